"""The routes behind the sidebar tab: the records of this user's runs, and nothing else.

Records are private: this machine alone is answered. Ids and names are checked in
`records/archive.py`.
"""

from __future__ import annotations

import asyncio
import json
import logging
from typing import Any

from ...records.archive import Archive, RecordInUse, RecordNotFound
from ...records.report import make_report
from .local_only import Handler, local_only

log = logging.getLogger("discomfort.records")

PREFIX = "/discomfort/runs"
_MOST_ROWS = 500


def register_runs_routes(routes: Any, archive: Archive | None = None) -> None:
    """Add the routes to an aiohttp RouteTableDef.

    GET PREFIX                             the list, newest first
    GET PREFIX/ID?last=100[&before=N]      one run: see `build_view`
    GET PREFIX/ID/picture/VERSION          a JPEG
    GET PREFIX/ID/workflow/DIGEST          a workflow, as it was given
    GET PREFIX/ID/report                   the HTML report, as a file
    DELETE PREFIX/ID                       remove a run that is over
    """
    handlers = _Handlers(archive or Archive())
    one = PREFIX + "/{record_id}"
    routes.get(PREFIX)(_answering(handlers.list_records))
    routes.get(one)(_answering(handlers.view))
    routes.get(one + "/picture/{version}")(_answering(handlers.picture))
    routes.get(one + "/workflow/{digest}")(_answering(handlers.workflow))
    routes.get(one + "/report")(_answering(handlers.report))
    routes.delete(one)(_answering(handlers.remove))


class _BadRequest(ValueError):
    """What was asked makes no sense."""


def _answering(handler: Handler) -> Handler:
    """What goes wrong becomes an answer with a sentence that the tab can show, without a path."""

    async def answer(request: Any) -> Any:
        from aiohttp import web

        try:
            return await handler(request)
        except RecordNotFound as e:
            return web.json_response({"error": str(e)}, status=404)
        except _BadRequest as e:
            return web.json_response({"error": str(e)}, status=400)
        except (RecordInUse, ValueError) as e:
            return web.json_response({"error": str(e)}, status=409)
        except OSError as e:
            log.warning("The records of runs can't be read: %s", e)
            text = f"The records of runs can't be read: {e.strerror or 'see the log of ComfyUI'}."
            return web.json_response({"error": text}, status=500)

    return local_only(answer, "What a run recorded is private.")


class _Handlers:
    """Reads in threads: ComfyUI's event loop waits for no disk."""

    def __init__(self, archive: Archive):
        self._archive = archive

    async def list_records(self, request: Any) -> Any:
        found = await asyncio.to_thread(self._archive.list_records)
        return _json(request, {"runs": found}, str(hash(json.dumps(found))))

    async def view(self, request: Any) -> Any:
        record_id = request.match_info["record_id"]
        last, before = _number(request, "last"), _number(request, "before")
        tag = await asyncio.to_thread(self._archive.tag, record_id)
        last = _MOST_ROWS if last is None else min(last, _MOST_ROWS)
        if _is_known(request, tag):
            return _json(request, {}, tag)
        view = await asyncio.to_thread(self._archive.view, record_id, last=last, before=before)
        return _json(request, view, tag)

    async def picture(self, request: Any) -> Any:
        from aiohttp import web

        names = request.match_info
        data = await asyncio.to_thread(self._archive.picture, names["record_id"], names["version"])
        # A version names one value for ever.
        kept = {"Cache-Control": "private, max-age=86400, immutable"}
        return web.Response(body=data, content_type="image/jpeg", headers={**_PLAIN, **kept})

    async def workflow(self, request: Any) -> Any:
        names = request.match_info
        found = await asyncio.to_thread(self._archive.workflow, names["record_id"], names["digest"])
        return _json(request, found)

    async def report(self, request: Any) -> Any:
        from aiohttp import web

        record_id = request.match_info["record_id"]
        text = await asyncio.to_thread(self._make_report, record_id)
        # As a file: a page of this origin could speak to ComfyUI.
        name = {"Content-Disposition": f'attachment; filename="run-{record_id}.html"'}
        return web.Response(
            text=text, content_type="text/html", charset="utf-8", headers={**_PLAIN, **name}
        )

    def _make_report(self, record_id: str) -> str:
        view = self._archive.view(record_id)
        workflows = {}
        for workflow in view["workflows"]:
            try:
                digest = workflow["digest"]
                workflows[digest] = self._archive.workflow(record_id, digest)
            except RecordNotFound:
                continue
        return make_report(view, self._archive.pictures(record_id), workflows)

    async def remove(self, request: Any) -> Any:
        from aiohttp import web

        await asyncio.to_thread(self._archive.remove, request.match_info["record_id"])
        return web.json_response({})


_PLAIN = {"X-Content-Type-Options": "nosniff"}


def _is_known(request: Any, tag: str) -> bool:
    return request.headers.get("If-None-Match") == f'"{tag}"'


def _json(request: Any, data: Any, tag: str | None = None) -> Any:
    from aiohttp import web

    headers = {**_PLAIN, "Cache-Control": "no-cache"}
    if tag is not None:
        headers["ETag"] = f'"{tag}"'
        if _is_known(request, tag):
            return web.Response(status=304, headers=headers)
    return web.json_response(data, headers=headers)


def _number(request: Any, name: str) -> int | None:
    text = request.query.get(name)
    if text is None:
        return None
    if not text.isascii() or not text.isdigit() or len(text) > 12:
        raise _BadRequest(f"{name} must be a whole number, not {text[:40]!r}.")
    return int(text)
