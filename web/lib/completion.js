/**
 * The browser's own completion for a text widget, in both renderers: the text field of the moment is
 * given a `datalist`.
 */

const LIST_ID = "discomfort-completion";

/**
 * @param isOurs whether a node is one whose widget is completed
 * @param name the widget's name
 * @param choices gives the texts that are offered
 * @param nodeById the node of the open graph with an id
 * @returns a function to be called with each new node of ours
 */
export function installCompletion({ isOurs, name, choices, nodeById }) {
    let clicked = null; // the node whose widget the latest click went to
    document.addEventListener("pointerdown", () => (clicked = null), true);
    document.addEventListener("focusin", ({ target }) => {
        if (target.tagName !== "INPUT") return;
        const inDialog = target.closest(".graphdialog") && clicked;
        if (inDialog || isField(target)) offer(target, choices());
    });

    function isField(input) {
        const id = input.closest("[data-node-id]")?.dataset.nodeId;
        if (id === undefined || input.getAttribute("aria-label") !== name) return false;
        const node = nodeById(id);
        return Boolean(node && isOurs(node));
    }

    return (node) => {
        const widget = node.widgets?.find((w) => w.name === name);
        if (!widget) return;
        const onPointerDown = widget.onPointerDown;
        widget.onPointerDown = function (...given) {
            clicked = node;
            return onPointerDown?.apply(this, given) ?? false;
        };
    };
}

function offer(input, texts) {
    let list = document.getElementById(LIST_ID);
    if (!list) {
        list = document.createElement("datalist");
        list.id = LIST_ID;
        document.body.append(list);
    }
    const options = texts.filter((text) => text !== input.value).map((text) => {
        const option = document.createElement("option");
        option.value = text;
        return option;
    });
    list.replaceChildren(...options);
    input.setAttribute("list", LIST_ID);
    input.setAttribute("autocomplete", "off");
}
