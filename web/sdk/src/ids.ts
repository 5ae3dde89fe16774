/** Client ids: UUIDv7, so that they sort by the time at which they were made, also within one millisecond. */

let lastMs = 0
let counter = 0

/** What is made from now on sorts after this one, though the clock was set back since. */
export function followClientId(id: string): void {
  const ms = Number.parseInt(id.slice(0, 8) + id.slice(9, 13), 16)
  if (ms >= lastMs) lastMs = ms + 1
}

export function createClientId(now: number = Date.now()): string {
  if (now > lastMs) {
    lastMs = now
    counter = 0
  } else if (++counter > 0xfff) {
    // The clock stood still or went back: borrow from the future rather than break the order.
    lastMs++
    counter = 0
  }
  const hex = (value: number, digits: number) => value.toString(16).padStart(digits, '0')
  const time = hex(lastMs, 12)
  const random = Array.from(crypto.getRandomValues(new Uint8Array(8)), (byte) => hex(byte, 2)).join('')
  return `${time.slice(0, 8)}-${time.slice(8)}-7${hex(counter, 3)}-8${random.slice(1, 4)}-${random.slice(4)}`
}
