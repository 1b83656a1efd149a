"""The promise once more, slowly: what events do, quarter hour by quarter hour. Shares no code with the engine."""

import json
from datetime import UTC, datetime
from fractions import Fraction
from zoneinfo import ZoneInfo

from tests.unit.clocks.oracle_lines import FAR, TICK, Line, calendar, hours, later, text, tick


class Cycle:
    def __init__(self, machine, number, start, lines):
        self.machine, self.number, self.start, self.lines = machine, number, start, lines
        self.went_on = set()  # where it ran again, if only for an instant
        self.stops, self.end, self.stage, self.result = [], None, None, "open"
        self.breached = self.cause = None
        self.fired, self.spent = [], set()
        self.plan = None

    @property
    def paused(self):
        return bool(self.machine.reasons) and not self.machine.statutory

    def stretches(self):
        if self.machine.statutory:
            return []
        now = [(self.machine.since, FAR)] if self.machine.reasons else []
        return [*self.machine.pauses, *now]

    def ran(self, at):
        return not any(begin <= at < end for begin, end in [*self.stretches(), *self.stops])

    def halts(self, base, now):
        cut = [(max(base, begin), min(now, end)) for begin, end in self.stretches() if begin <= now and end >= base]
        stops = [(max(base, begin), min(now, end)) for begin, end in self.stops if begin <= now and end >= base]
        merged = []
        for begin, end, stop in sorted([(*one, False) for one in cut] + [(*one, True) for one in stops]):
            touch = merged and begin == merged[-1][1] and (stop or merged[-1][2]) and begin not in self.went_on
            if merged and (begin < merged[-1][1] or touch):
                first, last, by_stop = merged[-1]
                merged[-1] = (first, max(end, last), (stop and end >= last) or (by_stop and last >= end))
            else:
                merged.append((begin, end, stop))
        return [(begin, end) for begin, end, _ in merged]

    def lead(self, now):
        return min(self.lines, key=lambda line: line.due(self, now))

    def known_due(self, now):
        return min((line.due(self, now) for line in self.lines if not line.moved(self, now)), default=None)

    def thresholds(self):
        found = []
        for line in self.lines:
            for label in [*line.doc.get("warn", ()), *line.doc.get("warn_before", ())]:
                if label not in found:
                    found.append(label)
        return found

    def placed(self, now):
        if self.paused or self.breached is not None:
            return []
        line, found = self.lead(now), []
        due = line.due(self, now)
        for label in self.thresholds():
            if label in self.spent:
                continue
            if label.endswith("%"):
                share = Fraction(label[:-1]) / 100
                if share >= 1:
                    continue
                if line.runs:
                    whole = line.whole if line.extended is None else line.used_of(self, due)
                    budget = line.budget if line.extended is None else whole
                    at = line.due(self, now, used=share * whole - (whole - budget))
                else:
                    exact = line.base + share * (due - line.base)
                    assert exact.denominator == 1, "off the grid"
                    at = int(exact)
                found.append((at, 1, share, label))
            elif hours(label) <= due - self.start:
                found.append((due - hours(label), 0, 0, label))
        return found

    def natural(self, at, ends):
        if self.end is not None or self.breached is not None:
            return
        if self.plan is None:
            self.plan = (self.placed(at), self.known_due(at))
        placed, due = self.plan
        for when, _, _, label in sorted(placed, key=lambda one: one[0]):
            if when == at and label not in self.spent and not ends and not self.stopped_at(at):
                self.spent.add(label)
                self.fired.append((label, at))
        if due is not None and due <= at and not (due == at and ends):
            self.breach(at, "due")

    def changed(self, at, cause, ends):
        self.plan = None
        if self.breached is not None:
            return
        due = self.known_due(at)
        if due is not None and due <= at:
            if not (due == at and ends):
                self.fired = [(label, when) for label, when in self.fired if when < at]
                self.breach(at, cause)
            return
        jumped = [one for one in self.placed(at) if one[0] <= at]
        if jumped and not ends and not self.stopped_at(at):
            self.spent |= {one[3] for one in jumped}
            self.fired.append((max(jumped)[3], at))

    def stopped_at(self, at):
        """Whether a stop that was reopened stands at this instant: no warning does then."""
        return any(begin == at for begin, _ in self.stops)

    def breach(self, at, cause):
        self.breached, self.cause = at, cause
        if "100%" in self.thresholds():
            self.fired.append(("100%", at))

    def finish(self, at, stage, result):
        self.end, self.stage, self.result = at, stage, result


class Machine:
    def __init__(self, name, request):
        self.name, self.request = name, request
        self.doc = request["policy"]["targets"][name]
        self.statutory = bool(self.doc.get("statutory"))
        self.reasons, self.pauses, self.since, self.cycles = [], [], None, []
        self.cals = {one["key"]: calendar(json.dumps(one)) for one in request["calendars"]}

    def line(self, doc, base, budget=None):
        return Line(doc, self.cals.get(doc.get("calendar")), base, budget)

    def begin(self, at, docs, cause, ends):
        self.cycles.append(Cycle(self, len(self.cycles) + 1, at, [self.line(doc, at) for doc in docs]))
        self.cycles[-1].changed(at, cause, ends)

    def on(self, event, at, ends):
        cycle = self.cycles[-1] if self.cycles else None
        active = cycle is not None and cycle.end is None
        kind = event["type"]
        if kind == "start" and cycle is None:
            self.begin(at, [self.doc], "due", ends)
        elif kind == "pause":
            if not self.reasons:
                self.since = at
            if event["reason"] not in self.reasons:
                self.reasons.append(event["reason"])
            if active:
                cycle.plan = None
        elif kind == "resume" and self.reasons:
            self.reasons = [one for one in self.reasons if event.get("reason") and one != event["reason"]]
            if not self.reasons:
                self.pauses.append((self.since, at))
                if active and not self.statutory:
                    cycle.went_on.add(at)
                    cycle.changed(at, "due", ends)
        elif kind == "stop" and active:
            cycle.finish(at, "completed", "met" if cycle.breached is None else "missed")
        elif kind == "cancel" and active:
            cycle.finish(at, "cancelled", "cancelled")
        elif kind == "retarget" and active and not self.statutory:
            self.retarget(cycle, event, at, ends)
        elif kind == "reopen" and cycle and cycle.stage == "completed" and not self.statutory:
            self.reopen(cycle, event.get("mode") or self.request["policy"].get("reopen", "new_cycle"), at, ends)
        elif kind == "extend" and active and self.statutory:
            self.extend(cycle, event, at, ends)

    def retarget(self, cycle, event, at, ends):
        policies = {one["key"]: one for one in [self.request["policy"], *self.request["policies"]]}
        new = event.get("to") or policies[event["policy"]]["targets"].get(self.name)
        how = event["behaviour"]
        if new is None or how == "keep":
            return
        if how == "restart_now":
            cycle.finish(at, "cancelled", "cancelled")
            self.begin(at, [new], "retarget", ends)
            return
        if how == "prorate":
            lead, line = cycle.lead(at), self.line(new, at)
            if not (lead.runs and line.runs):
                return
            left = max(0, lead.budget - lead.used(cycle, at))
            line.budget = Fraction(left * line.whole) / lead.whole
            cycle.lines = [line]
        else:
            line = self.line(new, cycle.start)
            cycle.lines = [line] if how == "retarget_from_start" else [*cycle.lines, line]
        cycle.changed(at, "retarget", ends)

    def reopen(self, cycle, mode, at, ends):
        if mode in {"new_cycle", "invalidate_previous"}:
            if mode == "invalidate_previous":
                cycle.result = "void"
            self.begin(at, [line.doc for line in cycle.lines], "reopen", ends)
            return
        if mode == "resume":
            cycle.stops.append((cycle.end, at))
        cycle.finish(None, None, "open")
        if not self.reasons:
            cycle.went_on.add(at)
        cycle.changed(at, "reopen", ends)

    def extend(self, cycle, event, at, ends):
        (line,) = cycle.lines
        due = line.due(cycle, at)
        if "until" in event:
            new = tick(event["until"])
        else:
            zone = ZoneInfo("UTC") if line.kind == "elapsed" else line.cal.zone
            here = datetime.fromtimestamp(due * TICK, UTC).astimezone(zone)
            civil = datetime.combine(later(here.date(), event["by"]), here.time(), zone)
            new = int(civil.astimezone(UTC).timestamp()) // TICK
        if new > due:
            line.extended = new
            cycle.changed(at, "due", ends)


def reading(cycle, until):
    end = until if cycle.end is None else cycle.end
    line = cycle.lead(end)
    due = line.due(cycle, end)
    hidden = cycle.end is None and cycle.paused and line.moved(cycle, end)
    states = {}
    for at in range(cycle.start, end):
        state = "counted"
        if line.kind == "business" and not line.cal.is_open(at):
            state = "closed"
        elif any(begin <= at < to for begin, to in cycle.stops):
            state = "stopped"
        elif not cycle.ran(at):
            state = "paused"
        states[at] = state
    return {
        "target": cycle.machine.name,
        "cycle": cycle.number,
        "stage": cycle.stage or ("paused" if cycle.paused else "in_progress"),
        "result": cycle.result,
        "breach_cause": cycle.cause,
        "breached_at": cycle.breached and text(cycle.breached),
        "started_at": text(cycle.start),
        "stopped_at": None if cycle.end is None else text(cycle.end),
        "due_at": None if hidden else text(due),
        "due_if_resumed_now": text(due),
        "warnings": sorted((label, text(at)) for label, at in cycle.fired),
        "states": states,
    }


def simulate(request):
    """The readings of every clock, as far as ticks can tell; AssertionError where something lies off the grid."""
    until = tick(request["until"])
    found = []
    for name in request["policy"]["targets"]:
        machine = Machine(name, request)
        mine = [(tick(one["at"]), one) for one in request["events"] if one.get("target") in {None, name}]
        mine = sorted((one for one in mine if one[0] <= until), key=lambda one: (one[0], one[1]["type"] != "start"))
        first = mine[0][0] if mine else until
        at_once = {at: [one for when, one in mine if when == at] for at, _ in mine}
        for at in range(first, until + 1):
            now = at_once.get(at, ())
            ends = [one["type"] in {"stop", "cancel"} for one in now]
            if machine.cycles:
                machine.cycles[-1].natural(at, any(ends))
            for index, event in enumerate(now):
                if machine.cycles and index:
                    machine.cycles[-1].natural(at, any(ends[index:]))
                machine.on(event, at, any(ends[index + 1 :]))
        found += [reading(cycle, until) for cycle in machine.cycles]
    return found
