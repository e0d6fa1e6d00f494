// Times, sizes and durations as a reader sees them, in the browser's language.

const time = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit' })
const weekday = new Intl.DateTimeFormat(undefined, { weekday: 'long' })
const date = new Intl.DateTimeFormat(undefined, { day: 'numeric', month: 'short', year: 'numeric' })
const MINUTE = 60
const HOUR = 60 * MINUTE

export function clock(timestamp: string): string {
  return time.format(new Date(timestamp))
}

/** Midnight of its day, here. */
export function dayOf(timestamp: string): number {
  return new Date(timestamp).setHours(0, 0, 0, 0)
}

export function dayName(day: number): string {
  const days = Math.round((new Date().setHours(0, 0, 0, 0) - day) / 86_400_000)
  if (days === 0) return 'Today'
  if (days === 1) return 'Yesterday'
  return days > 1 && days < 7 ? weekday.format(day) : date.format(day)
}

/** A number as it is dialled; they are kept with and without their plus. */
export function dialled(phone: string): string {
  return `+${phone.replace(/^\+/, '')}`
}

/** In a list: the time of today's, the day of others. */
export function when(timestamp: string | null): string {
  if (!timestamp) return ''
  const day = dayName(dayOf(timestamp))
  return day === 'Today' ? clock(timestamp) : day
}

export function bytes(size: number | null): string {
  if (size === null) return ''
  const units = ['bytes', 'KB', 'MB', 'GB']
  const power = Math.min(3, Math.floor(Math.log2(Math.max(1, size)) / 10))
  return `${(size / 1024 ** power).toFixed(power ? 1 : 0)} ${units[power]}`
}

/** What is left of the window: `23 h 59 min`, `59 min`, and at the end `42 s`. */
export function countdown(seconds: number): string {
  if (seconds >= HOUR) return `${Math.floor(seconds / HOUR)} h ${Math.floor((seconds % HOUR) / MINUTE)} min`
  return seconds >= MINUTE ? `${Math.floor(seconds / MINUTE)} min` : `${Math.max(0, Math.floor(seconds))} s`
}

/** The letters of an avatar. */
export function initials(name: string): string {
  const words = name.split(/\s+/).filter((word) => /\p{L}/u.test(word))
  return (
    words
      .slice(0, 2)
      .map((word) => [...word][0])
      .join('')
      .toUpperCase() || '#'
  )
}
