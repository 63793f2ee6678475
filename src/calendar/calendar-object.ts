/**
 * What a calendar holds, in our words: the form every provider is normalised to, and the form times take in `DeltaSynced`. Terms follow
 * RFC 5545; everything here survives JSON.
 */

/** A day (`2026-03-29`), a wall clock in a zone, or a floating wall clock (`zone: null`). Walls are `2026-03-29T02:30:00`, without offset. */
export type When = Readonly<{ date: string }> | Readonly<{ wall: string; zone: string | null }>;

/**
 * Length of an occurrence: whole days on the wall clock, then exact seconds. A DTEND is an exact span, a DURATION counts its days and weeks
 * nominally (RFC 5545 3.8.5.3). All-day: `seconds` is 0.
 */
export type Span = Readonly<{ days: number; seconds: number }>;

/** One STANDARD or DAYLIGHT part of a VTIMEZONE; `start` is a wall clock in the offset before it, offsets are seconds east of UTC. */
export type Observance = Readonly<{ start: string; offsetFrom: number; offsetTo: number; rule: string | null; dates: readonly string[] }>;

/** How a component counts when somebody looks for a free slot. `tentative` and `needs-action` are busy unless the user chose otherwise. */
export type Busy = 'busy' | 'tentative' | 'needs-action' | 'free';

/**
 * What kind of thing an event is. Google's `eventType` tells all but the last, Microsoft's `showAs` tells two (`oof`, `workingElsewhere`), and CalDAV
 * knows only the first. `other`: a type of the provider's that has no word here.
 */
export type EventType = 'default' | 'focus-time' | 'out-of-office' | 'working-location' | 'birthday' | 'from-mail' | 'other';

export type Status = 'confirmed' | 'tentative' | 'cancelled';

export type Person = Readonly<{ name: string | null; email: string | null }>;

export type Attendee = Person & Readonly<{ response: 'accepted' | 'declined' | 'tentative' | 'needs-action'; self: boolean }>;

/** The personal part of a component: never stored in clear. */
export type Contents = Readonly<{
  title: string | null;
  location: string | null;
  description: string | null;
  organizer: Person | null;
  attendees: readonly Attendee[];
  url: string | null;
  uid: string | null;
  /**
   * IANA name of the zone in which it ends, where that is another than the one in which it starts, as a flight's. Left out otherwise, so that the same
   * contents have the same hash as before this was read.
   */
  endZone?: string;
}>;

/** The searchable part of a component: a single event, the master of a series, or an override of one of its instances. */
export type Timing = Readonly<{
  /** Null for a single event or a master; else which instance is overridden, in the master's terms. */
  recurrenceId: When | null;
  /** The override holds for its instance and all later ones (RANGE=THISANDFUTURE). */
  thisAndFuture: boolean;
  start: When;
  span: Span;
  /** RRULE values without the property name, `FREQ=WEEKLY;COUNT=4`; usually none or one. `EXRULE:` before one takes its instances out (RFC 2445). */
  rules: readonly string[];
  /** RDATE; a period carries its own span. */
  rdates: readonly Readonly<{ start: When; span: Span | null }>[];
  exdates: readonly When[];
  status: Status;
  busy: Busy;
  /** CLASS:PRIVATE or CONFIDENTIAL: others never see more than the time. */
  private: boolean;
}>;

export type Component = Timing & Readonly<{ contents: Contents }>;

/** Zones that are no IANA name, by the id `When.zone` uses for them, as the VTIMEZONE defines them. */
export type CustomZones = Readonly<Record<string, readonly Observance[]>>;

/** One thing a provider stores, lists and deletes as a whole: for CalDAV a resource (master and overrides), for Google one event. */
export type CalendarObject = Readonly<{
  /** The provider's name for it, normalised; personal. */
  remoteId: string;
  /** The provider's version mark; null when it gives none. */
  etag: string | null;
  /** `remoteId` of the master when this is an override that is stored apart from it, else its own. */
  seriesRemoteId: string;
  components: readonly Component[];
  zones: CustomZones;
  eventType: EventType;
  /** Stable codes of what of it makes no sense and is left out (`component.bad-time`); the rest of it is shown. */
  problems: readonly string[];
}>;
