"""Reads a calendar with gcal-sync, once for each line of its input, and prints what it then holds: python gcal_reader.py <api> <token> <calendar>."""
import asyncio
import json
import sys

import aiohttp
from gcal_sync.api import GoogleCalendarService
from gcal_sync.auth import AbstractAuth
from gcal_sync.store import InMemoryCalendarStore
from gcal_sync.sync import CalendarEventSyncManager, CalendarListSyncManager


class Auth(AbstractAuth):
    def __init__(self, session: aiohttp.ClientSession, api: str, token: str) -> None:
        super().__init__(session, api)
        self._token = token

    async def async_get_access_token(self) -> str:
        return self._token


async def main(api: str, token: str, calendar: str) -> None:
    async with aiohttp.ClientSession() as session:
        service = GoogleCalendarService(Auth(session, api, token))
        store = InMemoryCalendarStore()
        managers = (CalendarListSyncManager(service, store), CalendarEventSyncManager(service, calendar, store=store))
        while await asyncio.to_thread(sys.stdin.readline):
            for manager in managers:
                await manager.run()
            data = await store.async_load()
            events = data["event_sync"][calendar]["items"]
            rows = {key: [row["status"], row["summary"]] for key, row in sorted(events.items())}
            lists = sorted(data["calendar_list_sync"]["items"])
            print(json.dumps({"calendars": lists, "events": rows}), flush=True)


asyncio.run(main(*sys.argv[1:4]))
