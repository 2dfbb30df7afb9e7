"""`ovh.list`: a whole list, its pages and items fetched as fast as allowed, in one array.

v2 gives pages, each naming the next one's cursor. v1 gives ids; as objects they come in pages where
the operation can expand its list (which is found by asking, and remembered), else one by one. Such a
list ends early, and says so, rather than failing: the time, the calls or the size of an answer may
run out. An item that cannot be read leaves its error in its place.

Source: X-Pagination-Mode, -Number and -Size of the v1 API, undocumented: an answer that is not what
they ask for is taken as what it is.
"""

from __future__ import annotations

import math
import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Final

import msgspec

from ovh_api_mcp import limits
from ovh_api_mcp.errors import ApiError, OvhMcpError, cut_foreign
from ovh_api_mcp.gate.asked import Asked
from ovh_api_mcp.gate.refusal import refusal
from ovh_api_mcp.json_value import JsonObject
from ovh_api_mcp.ovh.messages import ApiResponse
from ovh_api_mcp.server.errand import Errand, read_in_order, why_not_read
from ovh_api_mcp.server.gathered import ErrorText, Gathered
from ovh_api_mcp.server.item_fields import check_fields
from ovh_api_mcp.server.list_options import ListOptions, parse_list_options

_EXPANSION: Final = "CachedObjectList-Pages"
_TOTAL: Final = "x-pagination-elements"
_NEXT: Final = "x-pagination-cursor-next"


class Lists:
    """Reads lists; remembers which operations do not expand theirs."""

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._not_expanded: OrderedDict[str, float] = OrderedDict()

    def can_expand(self, template: str) -> bool:
        """Tell whether an operation expands its list, as far as is known."""
        return self._monotonic() >= self._not_expanded.get(template, -math.inf)

    def note_not_expanded(self, template: str, for_s: float = math.inf) -> None:
        """Remember for so long that an operation does not."""
        self._not_expanded[template] = self._monotonic() + for_s
        if len(self._not_expanded) > limits.LISTS_NOT_EXPANDED:
            self._not_expanded.popitem(last=False)

    async def read(self, arguments: JsonObject, errand: Errand, error_text: ErrorText) -> bytes:
        """Return {"items", "errors", "incomplete"} of what a script asked for, as JSON text.

        `errors` pairs the place of an item that could not be read with its error. *Raises*
        RefusedError where it makes no sense, and what the first request raises.
        """
        options = parse_list_options(arguments)
        asked = errand.gate.asked({"method": "GET", **options.call})
        check_fields(options.filter, asked, errand.gate)
        gathered = Gathered(options, error_text)
        reading = _Reading(options, asked, errand, gathered, self)
        await reading.run()
        for note in gathered.notes():
            errand.remarks.add(note)
        return gathered.as_json()


class _Reading:
    """One list, read in the one way that its operation has."""

    def __init__(
        self, options: ListOptions, asked: Asked, errand: Errand, gathered: Gathered, lists: Lists
    ) -> None:
        self._options = options
        self._asked = asked
        self._errand = errand
        self._gathered = gathered
        self._lists = lists
        self._reported_at = time.monotonic()
        self._filter_sent = options.filter.header()

    async def run(self) -> None:
        listing = self._asked.operation.listing
        if listing is not None and listing.pagination == "cursor":
            await self._read_cursors()
        elif listing is None or not listing.item or not self._options.wants_objects:
            self._take_plain(_array(await self._get(), self._asked))
        elif self._lists.can_expand(self._asked.route.template) and listing.pagination == "v1":
            await self._read_expanded(listing.item)
        else:
            await self._read_items(listing.item, _array(await self._get(), self._asked))

    # --- pages of v2

    async def _read_cursors(self) -> None:
        cursor = str(self._options.after or "")
        seen = {cursor}
        while True:
            headers: JsonObject = {"X-Pagination-Size": min(limits.LIST_PAGE, self._wanted_at_once())}
            if cursor:
                headers["X-Pagination-Cursor"] = cursor
            response = await self._page(headers, cursor)
            if response is None or not self._take_page(_array(response, self._asked), cursor):
                return
            following = cut_foreign(response.headers.get(_NEXT, ""), limits.HEADER_CHARS)
            if not following:
                return
            again = "the API gave a cursor again that was used before" if following in seen else ""
            if reason := again or self._errand.why_no_more():
                self._gathered.end(reason, following)
                return
            seen.add(following)
            cursor = following
            await self._report()

    async def _page(self, headers: JsonObject, cursor: str) -> ApiResponse | None:
        """Return a page; None where one behind the first cannot be had, and the list ends there."""
        try:
            return await self._get(headers)
        except OvhMcpError as error:
            if self._gathered.scanned == 0:
                raise
            self._gathered.end(why_not_read(error) or error.message, cursor)
            return None

    def _take_page(self, items: list[bytes], cursor: str) -> bool:
        """Take a page whole: a list goes on with a page, and not in the middle of one."""
        fits = self._gathered.size_bytes + sum(map(len, items)) <= limits.LIST_BYTES
        if not fits and self._gathered.scanned:
            self._gathered.end(f"its items have more than {limits.LIST_BYTES // limits.MIB} MiB", cursor)
            return False
        return all(self._gathered.take(item) for item in items)

    def _wanted_at_once(self) -> int:
        return limits.LIST_PAGE if self._options.filter.conditions else self._options.limit

    # --- pages of v1

    async def _read_expanded(self, item_path: str) -> None:
        """Read a v1 list as objects; where the operation cannot expand it, its items one by one."""
        size = min(limits.LIST_PAGE, self._wanted_at_once())
        page = self._options.skip // size
        response = await self._first_expanded(page, size)
        items = _array(response, self._asked)
        total = _count(response.headers.get(_TOTAL, ""))
        if _are_ids(items):
            self._lists.note_not_expanded(self._asked.route.template)
            is_all = page == 0 and total is None
            await self._read_items(item_path, items if is_all else _array(await self._get(), self._asked))
            return
        if 0 < len(items) < size and (total is None or total > page * size + len(items)):
            size = len(items)  # the most that the API gives at once, which changes the first one's number
            page, before = self._options.skip // size, page
            if page != before:
                items = _array(await self._get(self._expansion(page, size)), self._asked)
        self._gathered.of = total
        self._take_all(items, skip=self._options.skip % size)
        await self._read_pages(page + 1, size, total)

    async def _first_expanded(self, page: int, size: int) -> ApiResponse:
        """Return the first page, or the plain list where the API does not take what is asked.

        That is remembered where the plain headers are no reason for it: for good if it was refused
        without a filter, for a while if the API failed at it.
        """
        try:
            return await self._get(self._expansion(page, size))
        except ApiError as error:
            is_refused = error.status == 400
            if is_refused and self._filter_sent:
                self._filter_sent = ""  # the server judges it alone then
                return await self._first_expanded(page, size)
            if not (is_refused or error.status >= 500):
                raise
            response = await self._get()
            for_s = math.inf if is_refused else limits.LIST_EXPANSION_DOUBTED_S
            self._lists.note_not_expanded(self._asked.route.template, for_s)
            return response

    async def _read_pages(self, first: int, size: int, total: int | None) -> None:
        if total is None:
            await self._read_pages_of_unknown(first, size)
        elif not self._is_over and (count := -(-total // size) - first) > 0:
            await self._read_known_pages(first, size, count)

    async def _read_known_pages(self, first: int, size: int, count: int) -> None:
        async def read(number: int) -> ApiResponse | OvhMcpError:
            return await self._try(self._with_headers(self._expansion(first + number, size)))

        def take(page: ApiResponse | OvhMcpError) -> bool:
            if isinstance(page, OvhMcpError):
                self._gathered.end(page.message, self._gathered.position)
            else:
                self._take_all(_array(page, self._asked), skip=0)
            return not self._is_over

        if reason := await read_in_order(self._errand, count, read, take):
            self._gathered.end(reason, self._gathered.position)

    async def _read_pages_of_unknown(self, page: int, size: int) -> None:
        """Read on to a page that is short, empty, or the one before it again."""
        before: list[bytes] = []
        while not self._is_over:
            if reason := self._errand.why_no_more():
                self._gathered.end(reason, self._gathered.position)
                return
            answer = await self._try(self._with_headers(self._expansion(page, size)))
            if isinstance(answer, OvhMcpError):
                self._gathered.end(answer.message, self._gathered.position)
                return
            items = _array(answer, self._asked)
            if not items or items == before or _are_ids(items):
                return
            self._take_all(items, skip=0)
            if len(items) < size:
                return
            before, page = items, page + 1

    @property
    def _is_over(self) -> bool:
        return self._gathered.is_enough or self._gathered.incomplete is not None

    def _expansion(self, page: int, size: int) -> JsonObject:
        headers: JsonObject = {
            "X-Pagination-Mode": _EXPANSION,
            "X-Pagination-Number": page + 1,
            "X-Pagination-Size": size,
        }
        if self._filter_sent:
            headers["X-Pagination-Filter"] = self._filter_sent
        return headers

    # --- items of v1, one by one

    async def _read_items(self, item_path: str, ids: list[bytes]) -> None:
        """Read each item whose id stands in a list; a list of objects is taken as it is."""
        if not _are_ids(ids):
            self._take_all(ids)
            return
        self._gathered.of = len(ids)
        ids = ids[self._options.skip :]
        if not self._options.filter.conditions:
            ids = ids[: self._options.limit]
        name = item_path.rpartition("/")[2][1:-1]
        # Through params: an id may be a word that is a path of its own.
        calls: list[JsonObject] = [
            {
                "path": f"{self._asked.route.wire}/{{{name}}}",
                "params": {name: msgspec.json.decode(each)},
                "validate": "warn",  # the API itself gave this id
            }
            for each in ids
        ]
        taken = iter(calls)

        async def read(number: int) -> ApiResponse | OvhMcpError:
            return await self._try(calls[number])

        def take(answer: ApiResponse | OvhMcpError) -> bool:
            call = next(taken)
            if isinstance(answer, OvhMcpError):
                return self._gathered.take_error(answer, call)
            return self._gathered.take(answer.body or b"null")

        if calls and (reason := await read_in_order(self._errand, len(calls), read, take)):
            self._gathered.end(reason, self._gathered.position)

    # --- values that are what they are

    def _take_plain(self, items: list[bytes]) -> None:
        """Take what no operation reads one by one."""
        path = self._gathered.shown_path
        if _are_ids(items) and self._options.filter.conditions:
            raise refusal(
                "invalid-call",
                f"filter compares the fields of objects, but GET {path} answers plain values, and no "
                "operation reads them one by one. Filter the array in the script.",
            )
        if _are_ids(items) and self._options.wants_objects:
            self._errand.remarks.add(
                f"ovh.list {path}: expand has no effect, as no operation reads these values one by one"
            )
        self._take_all(items)

    # --- what they share

    async def _get(self, headers: JsonObject | None = None) -> ApiResponse:
        return await self._errand.get(self._with_headers(headers or {}))

    def _with_headers(self, headers: JsonObject) -> JsonObject:
        given = self._options.call.get("headers")
        return {**self._options.call, "headers": {**(given if isinstance(given, dict) else {}), **headers}}

    async def _try(self, call: JsonObject) -> ApiResponse | OvhMcpError:
        """Return an answer, or the error that stands for it; *Raises* what means that none was asked for."""
        try:
            return await self._errand.get(call)
        except OvhMcpError as error:
            if why_not_read(error):
                raise
            return error
        finally:
            await self._report()

    def _take_all(self, items: list[bytes], skip: int | None = None) -> None:
        for item in items[self._options.skip if skip is None else skip :]:
            if not self._gathered.take(item):
                return

    async def _report(self) -> None:
        now = time.monotonic()
        if now - self._reported_at < limits.LIST_REPORT_S:
            return
        self._reported_at = now
        await self._errand.report(*self._gathered.progress())


def _array(response: ApiResponse, asked: Asked) -> list[bytes]:
    """Return the elements of an answer, each as JSON text; *Raises* RefusedError where it is no array."""
    try:
        return [bytes(each) for each in msgspec.json.decode(response.body or b"null", type=list[msgspec.Raw])]
    except msgspec.ValidationError:
        raise refusal(
            "invalid-call",
            f"GET {asked.route.template} answers no array; there is nothing to list: call it with ovh.get.",
            hint="Use ovh.get.",
        ) from None


def _are_ids(items: list[bytes]) -> bool:
    return bool(items) and not items[0].startswith((b"{", b"["))


def _count(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 10 else None
