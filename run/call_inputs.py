"""The inputs of one call of `run()` that go to addresses: they act in this call alone.

What is no literal is put aside in the context, under no key, and let go of at the end.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from ..graph.plan.recipe import Recipe
from ..graph.plan.run_plan import Binding, Graft, Held, Load, settle_value
from ..graph.ports.literals import NOT_LITERAL, as_literal
from ..store.receipt import Receipt
from .bindings import binding_of_given

if TYPE_CHECKING:
    from ..workflow_context import WorkflowContext


class CallInputs:
    """What is given at addresses, by address. A context manager, whose end frees it."""

    def __init__(self, context: WorkflowContext, use_ram: bool):
        self._context, self._use_ram = context, use_ram
        self._bindings: dict[str, Binding | Held] = {}
        self.receipts: dict[str, Receipt] = {}
        self._lock = threading.Lock()
        self._is_over = False

    def __enter__(self) -> CallInputs:
        return self

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._is_over = True
            receipts, self.receipts = self.receipts, {}
        for receipt in receipts.values():
            self._context.internal.let_go_aside(receipt)

    def put(self, address: str, value: Any, kinds: Iterable[str]) -> None:
        """Take a value; what is no literal is stored, which may take time.

        Args:
            kinds: the types of the inputs that it is for.

        Raises:
            StoreFullError, TypeError: it can't be stored.
        """
        is_builtin = as_literal(value) is not NOT_LITERAL
        if is_builtin and all(settle_value(value, kind) is not NOT_LITERAL for kind in kinds):
            self._bindings[address] = Held(value, Load(address, ""))
            return
        receipt = self._context.internal.put_aside(address, value, self._use_ram)
        with self._lock:
            if not self._is_over:
                self.receipts[address] = receipt
        if self._is_over:  # the run was cancelled while a thread was writing
            self._context.internal.let_go_aside(receipt)
            return
        self._bindings[address] = binding_of_given(
            address, value, receipt.size_bytes, receipt.version
        )

    def put_reference(self, address: str, recipe: Recipe) -> None:
        """Take what rebuilds a value."""
        self._bindings[address] = Graft(recipe)

    def versions(self) -> set[str]:
        """Of what is stored."""
        return {receipt.version for receipt in self.receipts.values()}

    def get(self, unique_id: str) -> Binding | Held | None:
        """How an address is met; None: it is none of these."""
        return self._bindings.get(unique_id)

    def __contains__(self, unique_id: object) -> bool:
        return unique_id in self._bindings
