// Days as `YYYY-MM-DD`, months as `YYYY-MM`; no time zones, for a day is the name of a list.

/** A day for a reader: `Tue 30 June 2026`. An unreadable one stays as it is. */
export function dayName(day: string, locale: string, style: "long" | "short" = "long"): string {
  const time = Date.parse(`${day}T00:00:00Z`);
  if (Number.isNaN(time)) return day;
  const options: Intl.DateTimeFormatOptions =
    style === "long"
      ? { weekday: "short", day: "numeric", month: "long", year: "numeric" }
      : { day: "numeric", month: "short", year: "numeric" };
  return new Intl.DateTimeFormat(locale, { ...options, timeZone: "UTC" }).format(time);
}

/** A month for a reader: `June 2026`. */
export function monthName(month: string, locale: string): string {
  return new Intl.DateTimeFormat(locale, { month: "long", year: "numeric", timeZone: "UTC" }).format(
    Date.parse(`${month}-01T00:00:00Z`),
  );
}

/** First letters of the days of the week, Monday first. */
export function weekdays(locale: string): string[] {
  const format = new Intl.DateTimeFormat(locale, { weekday: "narrow", timeZone: "UTC" });
  // 5 January 2026 was a Monday.
  return Array.from({ length: 7 }, (_, i) => format.format(Date.UTC(2026, 0, 5 + i)));
}

/** The month before or after. */
export function shiftMonth(month: string, by: number): string {
  const [year = 2000, number = 1] = month.split("-").map(Number);
  return new Date(Date.UTC(year, number - 1 + by, 1)).toISOString().slice(0, 7);
}

/** The days of a month as a calendar shows them: weeks from Monday, empty places as empty strings. */
export function monthGrid(month: string): string[] {
  const [year = 2000, number = 1] = month.split("-").map(Number);
  const first = new Date(Date.UTC(year, number - 1, 1));
  const length = new Date(Date.UTC(year, number, 0)).getUTCDate();
  const blank = (first.getUTCDay() + 6) % 7;
  return Array.from({ length: blank + length }, (_, i) =>
    i < blank ? "" : `${month}-${String(i - blank + 1).padStart(2, "0")}`,
  );
}

/** How strong a day is shaded, 0 to 4, against the busiest. */
export function shade(count: number, most: number): number {
  return count === 0 ? 0 : Math.min(4, 1 + Math.floor((3.999 * count) / Math.max(1, most)));
}
