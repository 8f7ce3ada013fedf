"""The seeds that a run draws, as the editor does when it queues."""

from __future__ import annotations

import logging
from collections.abc import Collection, Mapping
from typing import Any

from ..graph.addresses.call_ports import put_in
from ..graph.convert.draw_seeds import Draw
from ..graph.convert.to_prompt import convert
from ..graph.markers.stand_ins import put_stand_ins, types_in, with_lacking
from ..graph.node_classes.widgets import ObjectInfo
from ..graph.prompt import Prompt
from ..workflows.prepare import Prepared
from .options import Options

log = logging.getLogger("discomfort.run")


class DrawnSeeds:
    """What one call of `run()` drew: each next seed follows from the last."""

    def __init__(self, options: Options, info: ObjectInfo):
        self._is_wanted, self._seed = options.randomize_seeds, options.seed
        self._info = info
        self._drawn: dict[str, dict[tuple[str, str], Any]] = {}
        self._draws = 0

    def of(self, prepared: Prepared) -> Mapping[tuple[str, str], Any]:
        """The seeds that a workflow was given last."""
        return self._drawn.get(prepared.digest, {})

    def draw(
        self, prepared: Prepared, unmet: Collection[str]
    ) -> tuple[Prompt, Mapping[tuple[str, str], Any]]:
        """The prompt, and the seeds that are new in it.

        Args:
            unmet: the INPUTs that have their default, which is drawn as the widget's own value is.
        """
        if not self._is_wanted or prepared.workflow is None:
            return prepared.prompt, {}
        before = self.of(prepared)
        seed = None if self._seed is None else int(self._seed) + self._draws
        marked = prepared.markers.call.inputs
        defaults = {uid: prepared.ports.default(uid) for uid in unmet}
        filled = {
            (use.node_id, use.input_name): (value, f"port {uid}")
            for uid, default in defaults.items()
            if default is not None and uid not in marked
            for use, value in default.under.items()
        }
        # A marker that is given nothing is not there: its widget is drawn as by itself.
        taken = {use for uid, uses in marked.items() if uid not in unmet for use in uses}
        draw = Draw(before, filled, prepared.call.taken | taken)
        info = with_lacking(self._info, types_in(prepared.workflow))
        made = convert(prepared.workflow, info, seed=seed, draw=draw)
        prompt = put_stand_ins(made.prompt, self._info)[0]
        prompt = put_in(prompt, prepared.markers.call, left_out=unmet)
        prompt, seeds = put_in(prompt, prepared.call), made.seeds
        prompt |= {i: prepared.prompt[i] for i in _markers(prepared)}
        self._draws += 1
        self._drawn[prepared.digest] = {**before, **seeds}
        if seeds:
            log.info("%s is run with the seeds %s.", prepared.name, seeds)
        return prompt, seeds


def _markers(prepared: Prepared) -> list[str]:
    """The ids of the outputs that other tools' markers are: a call may have given them others."""
    return [prepared.ports.outputs[name].node_id for name in prepared.markers.call.outputs]
