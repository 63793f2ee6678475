"""Writes test/fixtures/recurrence/oracle.json: recurring resources and the occurrences an independent implementation finds in them.

Run it only to change the cases; the tests read the committed answers and need no Python:

    python3 -m venv venv && venv/bin/pip install recurring-ical-events==3.8.2 icalendar==7.3.0 tzdata==2026.6
    venv/bin/python scripts/recurrence-oracle.py test/fixtures/recurrence/oracle.json

Zone rules are those of the tzdata package named there, whose version of the IANA database is written with the answers.

Starts are the oracle's. So are ends, but for one thing: it adds the length of an event on the wall clock, while RFC 5545 3.8.5.3 has the
exact span of DTSTART and DTEND; where a zone changes its offset within an instance, the exact span is written.

Left out, because it departs from RFC 5545 there or leaves the RFC's words aside; rrule.spec.ts and recurrence.spec.ts have them by hand:
- COUNT with a DTSTART the rule does not match: it adds DTSTART without counting it ("always counts as the first occurrence", 3.3.10);
- BYDAY with and without numbers together (it intersects them), BYWEEKNO without BYDAY (it takes the whole week), BYWEEKNO with another
  WKST than Monday (it loses days of week 52 in January), BYSETPOS in a first week that began before DTSTART;
- UNTIL as a day or on the local clock with a DTSTART in a zone: it reads either as UTC.
"""

import json
import random
import sys
from datetime import date, datetime, timedelta, timezone
from zoneinfo import ZoneInfo, reset_tzpath

import icalendar
import recurring_ical_events
import tzdata
from dateutil.rrule import rrulestr

# The machine's own rules may be years old.
reset_tzpath(to=[])

SEED = 20260329
EACH = 20
UTC = timezone.utc
DAYS = ["MO", "TU", "WE", "TH", "FR", "SA", "SU"]
ZONES = [
    "Europe/Paris", "Europe/London", "America/New_York", "America/Los_Angeles", "Australia/Lord_Howe", "Asia/Tokyo",
    "Africa/Casablanca", "America/Sao_Paulo", "Asia/Kolkata", "Pacific/Auckland",
]
RANGES = {
    "leap_day": (datetime(2024, 1, 1, tzinfo=UTC), datetime(2029, 1, 1, tzinfo=UTC)),
    "below_a_day": (datetime(2026, 2, 20, tzinfo=UTC), datetime(2026, 4, 10, tzinfo=UTC)),
}
CUSTOM = """BEGIN:VTIMEZONE
TZID:Office
BEGIN:STANDARD
DTSTART:16011028T030000
RRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=10
TZOFFSETFROM:+0200
TZOFFSETTO:+0100
END:STANDARD
BEGIN:DAYLIGHT
DTSTART:16010325T020000
RRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=3
TZOFFSETFROM:+0100
TZOFFSETTO:+0200
END:DAYLIGHT
END:VTIMEZONE"""
FIXED = """BEGIN:VTIMEZONE
TZID:Islands
BEGIN:STANDARD
DTSTART:19700101T000000
TZOFFSETFROM:-0330
TZOFFSETTO:-0330
END:STANDARD
END:VTIMEZONE"""


def wall(moment):
    return moment.strftime("%Y%m%dT%H%M%S")


class Clock:
    """How one resource writes its times."""

    def __init__(self, kind, zone=None):
        self.kind, self.zone = kind, zone

    def line(self, name, moment, extra=""):
        if self.kind == "date":
            return f"{name}{extra};VALUE=DATE:{moment:%Y%m%d}"
        if self.kind == "floating":
            return f"{name}{extra}:{wall(moment)}"
        if self.kind == "utc":
            return f"{name}{extra}:{wall(moment)}Z"
        return f"{name}{extra};TZID={self.zone}:{wall(moment)}"

    def until(self, moment):
        if self.kind == "date":
            return f"{moment:%Y%m%d}"
        if self.kind == "floating":
            return wall(moment)
        if self.kind == "utc":
            return wall(moment) + "Z"
        zone = ZoneInfo("Europe/Paris" if self.zone == "Office" else self.zone)
        return wall(moment.replace(tzinfo=zone).astimezone(UTC)) + "Z"


def event(clock, start, length, *lines, summary="0", duration=None):
    end = f"DURATION:{duration}" if duration else clock.line("DTEND", start + length)
    return ["BEGIN:VEVENT", "UID:case", "DTSTAMP:20260101T000000Z", f"SUMMARY:{summary}", clock.line("DTSTART", start), end, *lines, "END:VEVENT"]


def resource(events, definitions=""):
    lines = ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//oracle//EN", *definitions.split("\n")]
    for each in events:
        lines += each
    return "\n".join(line for line in [*lines, "END:VCALENDAR"] if line)


def matching(rule, start, count):
    """First instances of a rule, so that DTSTART is one of them."""
    found = []
    for each in rrulestr(rule, dtstart=start):
        found.append(each)
        if len(found) == count:
            break
    return found


class Maker:
    def __init__(self, rng):
        self.rng = rng

    def clock(self):
        kind = self.rng.choice(["zone", "zone", "zone", "utc", "floating", "date"])
        return Clock(kind, self.rng.choice(ZONES) if kind == "zone" else None)

    def start(self, clock, years=(2024, 2026)):
        day = datetime(self.rng.randint(*years), 1, 1) + timedelta(days=self.rng.randint(0, 364))
        return day if clock.kind == "date" else day + timedelta(minutes=15 * self.rng.randint(0, 91))

    def length(self, clock):
        return timedelta(days=self.rng.randint(1, 3)) if clock.kind == "date" else timedelta(minutes=15 * self.rng.randint(1, 12))

    def some(self, values, most):
        return ",".join(str(each) for each in sorted(self.rng.sample(values, self.rng.randint(1, most)), key=values.index))

    def rule(self):
        pick = self.rng.choice
        interval = pick(["", "", ";INTERVAL=2", ";INTERVAL=3"])
        week_start = pick(["", ";WKST=SU", ";WKST=MO"])
        ordinal = pick(["1", "2", "3", "4", "-1", "-2", "5"])
        return pick([
            f"FREQ=DAILY{interval}",
            f"FREQ=DAILY;BYDAY={self.some(DAYS, 4)}",
            f"FREQ=DAILY;BYMONTH={self.some(list(range(1, 13)), 3)}{interval}",
            f"FREQ=WEEKLY{interval}{week_start}",
            f"FREQ=WEEKLY{interval}{week_start};BYDAY={self.some(DAYS, 4)}",
            f"FREQ=WEEKLY;BYMONTH=3,4,10;BYDAY={self.some(DAYS, 2)}",
            f"FREQ=MONTHLY{interval}",
            f"FREQ=MONTHLY{interval};BYMONTHDAY={self.some([1, 13, 15, 28, 29, 30, 31, -1, -2], 3)}",
            f"FREQ=MONTHLY{interval};BYDAY={ordinal}{pick(DAYS)}",
            f"FREQ=MONTHLY;BYDAY={pick(DAYS)};BYMONTHDAY=13,14,15,16,17,18,19",
            f"FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS={pick(['-1', '1', '1,-1', '2', '-2,3'])}",
            f"FREQ=MONTHLY;BYMONTHDAY=1,10,20,31;BYSETPOS={pick(['2', '-1', '1,3'])}",
            "FREQ=YEARLY",
            f"FREQ=YEARLY;BYMONTH={self.some(list(range(1, 13)), 3)}",
            f"FREQ=YEARLY;BYMONTH={self.rng.randint(1, 12)};BYDAY={ordinal}{pick(DAYS)}",
            f"FREQ=YEARLY;BYDAY={pick(['20', '-1', '1', '53', '-10'])}{pick(DAYS)}",
            f"FREQ=YEARLY;BYYEARDAY={self.some([1, 59, 60, 100, 200, 366, -1, -366], 3)}",
            f"FREQ=YEARLY;BYWEEKNO={self.some([1, 10, 20, 52, 53, -1], 2)};BYDAY={self.some(DAYS, 2)}",
            f"FREQ=YEARLY;BYMONTH=1,6;BYDAY=MO,WE,FR;BYSETPOS={pick(['1', '-1', '3,-3'])}",
        ])

    def instances(self, clock, rule, count=12, years=(2024, 2026)):
        while True:
            found = matching(rule, self.start(clock, years), count)
            if len(found) == count:
                return found

    def plain(self):
        clock, rule = self.clock(), self.rule()
        start = self.instances(clock, rule)[0]
        return resource([event(clock, start, self.length(clock), f"RRULE:{rule}")])

    def counted(self):
        clock, rule = self.clock(), self.rule()
        start = self.instances(clock, rule)[0]
        return resource([event(clock, start, self.length(clock), f"RRULE:{rule};COUNT={self.rng.randint(1, 40)}")])

    def until(self):
        clock, rule = self.clock(), self.rule()
        found = self.instances(clock, rule)
        last = self.rng.choice(found) + self.rng.choice([timedelta(0), timedelta(0), timedelta(days=1)])
        return resource([event(clock, found[0], self.length(clock), f"RRULE:{rule};UNTIL={clock.until(last)}")])

    def unmatched_start(self):
        clock, rule = self.clock(), self.rule()
        return resource([event(clock, self.start(clock), self.length(clock), f"RRULE:{rule}")])

    def old(self):
        clock = self.clock()
        rule = self.rule()
        found = self.instances(clock, rule, years=(1990, 2005))
        return resource([event(clock, found[0], self.length(clock), f"RRULE:{rule}")])

    def exdates(self):
        clock, rule = self.clock(), self.rule()
        found = self.instances(clock, rule)
        lines = [clock.line("EXDATE", each) for each in self.rng.sample(found, 4)]
        return resource([event(clock, found[0], self.length(clock), f"RRULE:{rule}", *lines)])

    def rdates(self):
        clock = self.clock()
        start = self.start(clock)
        rule = [f"RRULE:{self.rule()}"] if self.rng.random() < 0.6 else []
        extra = [start + timedelta(days=self.rng.randint(1, 300)) for _ in range(5)]
        lines = [clock.line("RDATE", each) for each in extra] + [clock.line("EXDATE", extra[0])]
        return resource([event(clock, start, self.length(clock), *rule, *lines)])

    def periods(self):
        clock = Clock(self.rng.choice(["utc", "utc"]))
        start = self.start(clock)
        extra = [start + timedelta(days=self.rng.randint(1, 300), minutes=30) for _ in range(4)]
        lines = [f"RDATE;VALUE=PERIOD:{wall(each)}Z/PT{self.rng.randint(1, 5)}H" for each in extra]
        return resource([event(clock, start, self.length(clock), "RRULE:FREQ=MONTHLY;COUNT=6", *lines)])

    def overrides(self, orphan=False):
        clock, rule = self.clock(), self.rule()
        found = self.instances(clock, rule)
        length = self.length(clock)
        events = [] if orphan else [event(clock, found[0], length, f"RRULE:{rule}")]
        for index, each in enumerate(self.rng.sample(found, 3), 0 if orphan else 1):
            moved = each + timedelta(days=self.rng.choice([0, 0, 1, -1, 40, -40]), minutes=0 if clock.kind == "date" else 45)
            lines = [clock.line("RECURRENCE-ID", each)] + (["STATUS:CANCELLED"] if index == 3 else [])
            events.append(event(clock, moved, self.length(clock), *lines, summary=str(index)))
        return resource(events)

    def orphans(self):
        return self.overrides(orphan=True)

    def future(self):
        clock, rule = self.clock(), self.rule()
        found = self.instances(clock, rule)
        one, two, single = found[3], found[7], found[9]
        step = timedelta(days=1) if clock.kind == "date" else timedelta(minutes=self.rng.choice([-90, 30, 60, 1440]))
        events = [event(clock, found[0], self.length(clock), f"RRULE:{rule}")]
        range_of = ";RANGE=THISANDFUTURE"
        events.append(event(clock, one + step, self.length(clock), clock.line("RECURRENCE-ID", one, range_of), summary="1"))
        if self.rng.random() < 0.5:
            events.append(event(clock, two - step, self.length(clock), clock.line("RECURRENCE-ID", two, range_of), summary="2"))
        else:
            events.append(event(clock, single, self.length(clock), clock.line("RECURRENCE-ID", single), summary="2"))
        return resource(events)

    def gap_and_overlap(self):
        zone, days = self.rng.choice([
            ("Europe/Paris", [datetime(2026, 3, 25, 2), datetime(2026, 10, 21, 2)]),
            ("America/New_York", [datetime(2026, 3, 5, 2), datetime(2026, 10, 29, 1)]),
            ("Australia/Lord_Howe", [datetime(2026, 10, 1, 2), datetime(2026, 4, 2, 1, 30)]),
            ("Europe/London", [datetime(2026, 3, 26, 1), datetime(2026, 10, 22, 1)]),
        ])
        clock = Clock("zone", zone)
        start = self.rng.choice(days) + timedelta(minutes=self.rng.choice([0, 15, 30, 45]))
        weekly = f"FREQ=WEEKLY;BYDAY=SU,{DAYS[start.weekday()]};COUNT=6"
        rule = self.rng.choice(["FREQ=DAILY;COUNT=8", weekly, "FREQ=DAILY;INTERVAL=2"])
        return resource([event(clock, start, timedelta(minutes=self.rng.choice([15, 90])), f"RRULE:{rule}")])

    def custom_zone(self):
        office = self.rng.random() < 0.6
        clock = Clock("zone", "Office" if office else "Islands")
        rule = self.rng.choice(["FREQ=DAILY;INTERVAL=5", "FREQ=WEEKLY", "FREQ=MONTHLY;BYDAY=-1FR"])
        start = self.instances(clock, rule)[0].replace(hour=self.rng.randint(5, 22))
        return resource([event(clock, start, self.length(clock), f"RRULE:{rule}")], CUSTOM if office else FIXED)

    def leap_day(self):
        clock = self.clock()
        start = datetime(self.rng.choice([2008, 2016, 2024]), 2, 29, 0 if clock.kind == "date" else 10)
        rule = self.rng.choice(["FREQ=YEARLY", "FREQ=YEARLY;INTERVAL=2", "FREQ=MONTHLY;BYMONTHDAY=29", "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=-1"])
        return resource([event(clock, start, self.length(clock), f"RRULE:{rule}")])

    def below_a_day(self):
        clock = Clock("utc")
        rule = self.rng.choice([
            "FREQ=HOURLY;INTERVAL=6", "FREQ=HOURLY;BYHOUR=9,17;BYMINUTE=0,30", "FREQ=MINUTELY;INTERVAL=90;COUNT=200",
            "FREQ=DAILY;BYHOUR=8,12,16;BYMINUTE=0,20", "FREQ=MINUTELY;BYHOUR=10;BYMINUTE=5,55;BYDAY=MO", "FREQ=DAILY;BYHOUR=6,18;BYSETPOS=-1",
            "FREQ=WEEKLY;BYDAY=TU,TH;BYHOUR=7,19", "FREQ=SECONDLY;INTERVAL=3600;COUNT=50", "FREQ=HOURLY;BYMONTHDAY=1,-1;BYHOUR=3",
        ])
        start = self.instances(clock, rule, 1)[0]
        return resource([event(clock, start, timedelta(minutes=20), f"RRULE:{rule}")])

    def durations(self):
        clock = self.clock()
        rule = self.rule()
        start = self.instances(clock, rule)[0]
        kinds = ["P1D", "P2D", "P1W"] if clock.kind == "date" else ["PT1H30M", "P1D", "P1DT2H", "P1W", "PT26H"]
        return resource([event(clock, start, None, f"RRULE:{rule}", duration=self.rng.choice(kinds))])


def to_utc(moment):
    if not isinstance(moment, datetime):
        return moment
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)


def shown(moment):
    return f"{moment:%Y%m%dT%H%MZ}" if isinstance(moment, datetime) else f"{moment:%Y%m%d}"


def row(start, end, component):
    """`20260327T0130Z+90#1`: start, minutes (or days), and the component that describes it unless it is the first."""
    length = (end - start).days if not isinstance(start, datetime) else (end - start) // timedelta(minutes=1)
    return f"{shown(start)}+{length}" + ("" if component == "0" else f"#{component}")


def answer(text, first, last):
    rows = []
    nominal = "DURATION:P" in text and "DURATION:PT" not in text
    for each in recurring_ical_events.of(icalendar.Calendar.from_ical(text)).between(first, last):
        if each.get("STATUS") == "CANCELLED":
            continue
        start, end = each["DTSTART"].dt, each["DTEND"].dt
        exact = end
        if isinstance(start, datetime) and not nominal:
            exact = to_utc(start) + (end.replace(tzinfo=None) - start.replace(tzinfo=None))
        rows.append(row(to_utc(start), to_utc(exact), str(each["SUMMARY"])))
    return sorted(rows)


def main(path):
    maker = Maker(random.Random(SEED))
    kinds = [
        "plain", "plain", "counted", "until", "unmatched_start", "old", "exdates", "rdates", "periods", "overrides", "orphans", "future",
        "gap_and_overlap", "custom_zone", "leap_day", "below_a_day", "durations",
    ]
    cases = []
    for kind in kinds:
        for _ in range(EACH):
            text = getattr(maker, kind)()
            first, last = RANGES.get(kind, (datetime(2026, 1, 1, tzinfo=UTC), datetime(2027, 2, 15, tzinfo=UTC)))
            expected = answer(text, first, last)
            cases.append({"kind": kind, "from": shown(first), "to": shown(last), "ics": text, "expected": expected})
    with open(path, "w", encoding="utf-8") as file:
        rows = ",\n".join(json.dumps(each, separators=(",", ":")) for each in cases)
        file.write(f'{{"zoneRules":"{tzdata.IANA_VERSION}","cases":[\n{rows}\n]}}\n')
    print(len(cases), "cases,", sum(len(each["expected"]) for each in cases), "occurrences")


if __name__ == "__main__":
    main(sys.argv[1])
