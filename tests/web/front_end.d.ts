/**
 * What the scripts of `web/` use of ComfyUI's front end, for `tsc`. Here and not in `web/`, since
 * that folder is served to browsers; our own, since the front end's types change from version to
 * version, and several versions are supported. A member is optional where one of them lacks it.
 */

type NodeId = number | string;
type LinkId = number;

interface LLink {
    id: LinkId;
    type: unknown;
    color?: string;
    origin_id: NodeId;
    origin_slot: number;
    target_id: NodeId;
    target_slot: number;
}

/** An input or an output. Its links are asked of the node or the graph: see `lib/nodes.js`. */
interface Slot {
    name: string;
    type: unknown;
    label?: string;
    localized_name?: string;
    color_on?: string;
    color_off?: string;
}

interface Widget {
    name: string;
    type: string;
    value: unknown;
    hidden?: boolean;
    tooltip?: string;
    serialize?: boolean;
    callback?(value: unknown, ...more: unknown[]): void;
    computeSize?(width: number): [number, number];
    serializeValue?(): unknown;
}

interface LGraphNode {
    id: NodeId;
    type: string;
    comfyClass?: string;
    mode: number;
    /** What is saved; `getTitle` gives what the canvas draws. */
    title?: string;
    constructor: { title?: string };
    pos: [number, number];
    size: [number, number];
    color?: string;
    bgcolor?: string;
    graph: LGraph | null;
    /** Its inside, if the node is an instance of a subgraph. */
    subgraph?: LGraph;
    isVirtualNode?: boolean;
    inputs: Slot[];
    outputs: Slot[];
    widgets?: Widget[];
    badges: (LGraphBadge | (() => LGraphBadge))[];
    strokeStyles: Record<string, () => object | undefined>;

    addInput(name: string, type: string): void;
    addOutput(name: string, type: string): void;
    addWidget(
        type: string,
        name: string,
        value: unknown,
        callback: (value: any) => void,
        options: object,
    ): Widget;
    computeSize(): [number, number];
    connect(output: number, target: LGraphNode, input: number): unknown;
    findInputSlot(name: string): number;
    getTitle(): string | undefined;
    getInputLink(slot: number): LLink | null | undefined;
    isInputConnected(slot: number): boolean;
    isOutputConnected(slot: number): boolean;
    getExtraMenuOptions?(canvas: unknown, options: (MenuItem | null)[]): (MenuItem | null)[];
    removeInput(slot: number): void;
    removeOutput(slot: number): void;
    setDirtyCanvas?(foreground: boolean, background: boolean): void;
    setSize(size: [number, number]): void;
}

/** What `onSerialize` may change before it is saved. */
interface SavedNode {
    color?: string;
    bgcolor?: string;
    inputs?: Slot[];
    outputs?: Slot[];
    widgets_values?: unknown[];
    widgets_values_named?: Record<string, unknown>;
}

/** A workflow's own graph, or the inside of a subgraph. */
interface LGraph {
    _nodes?: LGraphNode[];
    nodes?: LGraphNode[];
    links: Map<LinkId, LLink>;
    rootGraph?: LGraph;
    /** The definitions of subgraphs; only the workflow's own graph has them. */
    subgraphs?: Map<string, LGraph>;
    /** The slots of a subgraph's two edges. */
    inputs?: { name: string }[];
    outputs?: { name: string; linkIds: LinkId[] }[];

    add(node: LGraphNode): void;
    getLink(id: LinkId): LLink | null | undefined;
    getNodeById(id: NodeId): LGraphNode | null | undefined;
}

interface MenuItem {
    content: string;
    callback?(): void;
    has_submenu?: boolean;
    submenu?: { options: MenuItem[] };
}

/** One class of `/object_info`. */
interface NodeDefinition {
    name: string;
    category?: string;
    input?: { required?: Record<string, [unknown, { options?: unknown }?]> };
}

interface Extension {
    name: string;
    settings?: object[];
    setup?(): void;
    beforeRegisterNodeDef?(nodeType: { skip_list?: boolean }, definition: NodeDefinition): void;
    refreshComboInNodes?(definitions: Record<string, NodeDefinition> | undefined): void;
    nodeCreated?(node: LGraphNode): void;
    getNodeMenuItems?(node: LGraphNode): MenuItem[];
    afterConfigureGraph?(): void;
}

interface SidebarTab {
    id: string;
    icon: string;
    title: string;
    tooltip: string;
    type: "custom";
    render(container: HTMLElement): void;
    destroy(): void;
}

interface ExtensionManager {
    dialog: {
        prompt(about: {
            title: string;
            message: string;
            defaultValue: string;
        }): Promise<string | null>;
    };
    registerSidebarTab(tab: SidebarTab): void;
    setting: {
        get(id: string): any;
        settings?: Record<string, Record<string, any>>;
    };
    toast: {
        add(message: { severity: string; summary: string; detail: string; life: number }): void;
    };
}

interface ComfyApp {
    canvas: {
        canvas: HTMLCanvasElement;
        graph?: LGraph | null;
        emitBeforeChange(): void;
        emitAfterChange(): void;
        setDirty(foreground: boolean, background: boolean): void;
    };
    /** True while a workflow is being opened. */
    configuringGraph?: boolean;
    extensionManager: ExtensionManager;
    graph: LGraph;
    rootGraph?: LGraph;

    loadApiJson(prompt: object, fileName: string): unknown;
    loadGraphData(
        workflow: object,
        isClean: boolean,
        restoreView: boolean,
        name: string,
    ): Promise<void>;
    registerExtension(extension: Extension): void;
}

interface ComfyApi {
    addEventListener(type: string, listener: () => void): void;
    apiURL(path: string): string;
    fetchApi(path: string, options?: RequestInit): Promise<Response>;
}

declare class LGraphBadge {
    constructor(about: { text: string; fgColor?: string; bgColor?: string });
    text: string;
}

declare const LGraphCanvas: { link_type_colors: Record<string, string> };

declare const LiteGraph: {
    INPUT: number;
    LGraphNode: { prototype: LGraphNode };
    NODE_TITLE_HEIGHT: number;
    createNode(type: string): LGraphNode;
};

declare module "*/scripts/app.js" {
    export const app: ComfyApp;
}

declare module "*/scripts/api.js" {
    export const api: ComfyApi;
}
