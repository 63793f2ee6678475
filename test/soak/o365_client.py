"""Reads and writes a calendar with O365, and prints what it saw: python o365_client.py <origin> <token> <calendar name>."""
import datetime
import json
import sys
from zoneinfo import ZoneInfo

from O365 import Account, MSGraphProtocol


class Sandbox(MSGraphProtocol):
    _protocol_url = sys.argv[1]


account = Account(("any", "secret"), protocol=Sandbox(timezone="Europe/Paris"))
account.con.session = account.con.get_naive_session()
account.con.session.headers["Authorization"] = f"Bearer {sys.argv[2]}"
schedule = account.schedule()
calendars = [calendar.name for calendar in schedule.list_calendars()]
calendar = schedule.get_calendar(calendar_name=sys.argv[3])
zone = ZoneInfo("Europe/Paris")

event = calendar.new_event(subject="Written by O365")
event.start = datetime.datetime(2026, 11, 24, 9, 0, tzinfo=zone)
event.end = datetime.datetime(2026, 11, 24, 10, 0, tzinfo=zone)
event.location = "Room Aspen"
event.recurrence.set_daily(1, start=datetime.date(2026, 11, 24), end=datetime.date(2026, 11, 26))
saved = event.save()

span = {"start_recurring": datetime.datetime(2026, 11, 20, tzinfo=zone), "end_recurring": datetime.datetime(2026, 12, 20, tzinfo=zone)}
seen = lambda: [[each.subject, each.start.isoformat(), str(each.location.get("displayName"))] for each in calendar.get_events(limit=50, include_recurring=True, **span)]
written = seen()

again = calendar.get_event(event.object_id)
again.subject = "Changed by O365"
changed = again.save()
after = seen()
deleted = again.delete()
print(json.dumps({"calendars": calendars, "saved": saved, "written": written, "changed": changed, "after": after, "deleted": deleted, "left": seen()}))
