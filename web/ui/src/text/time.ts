/** Times, days, sizes and percentages in the language of the page. */
import { speech } from './language'

const formats = new Map<string, Intl.DateTimeFormat>()

function format(key: string, options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat {
  const { language } = speech()
  const id = `${language} ${key}`
  let made = formats.get(id)
  if (!made) {
    made = new Intl.DateTimeFormat(localeOf(language), options)
    formats.set(id, made)
  }
  return made
}

/** The browser's own regional variant if it speaks the language (24 h in Britain, 12 h in the US). */
function localeOf(language: string): string {
  return navigator.languages.find((tag) => tag.split('-')[0] === language) ?? language
}

const at = (iso: string | number) => new Date(iso)
const midnight = (date: Date) => new Date(date.getFullYear(), date.getMonth(), date.getDate()).getTime()
const day_ms = 86_400_000

/** Days of the calendar between two moments, not spans of 24 hours. */
export const daysBetween = (earlier: Date, later: Date) => Math.round((midnight(later) - midnight(earlier)) / day_ms)

/** `10:34` */
export const clock = (iso: string) => format('clock', { timeStyle: 'short' }).format(at(iso))

/** For tooltips: day, date and time. */
export const fullTime = (iso: string) => format('full', { dateStyle: 'full', timeStyle: 'short' }).format(at(iso))

/** Day and month, the year if it is another one. */
export function shortDate(iso: string, now = Date.now()): string {
  const date = at(iso)
  if (date.getFullYear() === at(now).getFullYear()) return format('d', { day: 'numeric', month: 'short' }).format(date)
  return format('dy', { day: 'numeric', month: 'short', year: 'numeric' }).format(date)
}

/** The words of a day line. */
export function dayLabel(iso: string, now = Date.now()): string {
  const { common } = speech().text
  const days = daysBetween(at(iso), at(now))
  if (days === 0) return common.today
  if (days === 1) return common.yesterday
  if (days > 1 && days < 7) return format('weekday', { weekday: 'long' }).format(at(iso))
  return shortDate(iso, now)
}

/** `10:34` today, else the date. */
export const clockOrDate = (iso: string, now = Date.now()) =>
  daysBetween(at(iso), at(now)) === 0 ? clock(iso) : shortDate(iso, now)

/** `now`, `5m`, `3h`, `2d`, `4mo`, `1y` */
export function ago(iso: string, now = Date.now()): string {
  const { common } = speech().text
  const minutes = Math.floor((now - at(iso).getTime()) / 60_000)
  if (minutes < 1) return common.ago_now
  if (minutes < 60) return common.ago_minutes(minutes)
  const hours = Math.floor(minutes / 60)
  if (hours < 24) return common.ago_hours(hours)
  const days = Math.floor(hours / 24)
  if (days < 31) return common.ago_days(days)
  const months = Math.floor(days / 30.44)
  return months < 12 ? common.ago_months(months) : common.ago_years(Math.floor(days / 365.25))
}

export const percent = (part: number, whole: number) =>
  new Intl.NumberFormat(speech().language, { style: 'percent' }).format(whole > 0 ? Math.min(1, part / whole) : 0)

/** `92 KB`, `1.1 MB`: in thousands, as file managers count. */
export function fileSize(bytes: number): string {
  const units = ['byte', 'kilobyte', 'megabyte', 'gigabyte'] as const
  const step = bytes < 1000 ? 0 : bytes < 999_500 ? 1 : bytes < 999_500_000 ? 2 : 3
  const value = bytes / 1000 ** step
  const options: Intl.NumberFormatOptions = {
    style: 'unit',
    unit: units[step] ?? 'byte',
    unitDisplay: step === 0 ? 'long' : 'short',
    maximumFractionDigits: value < 10 && step > 0 ? 1 : 0,
  }
  return new Intl.NumberFormat(speech().language, options).format(value).replace('kB', 'KB')
}
