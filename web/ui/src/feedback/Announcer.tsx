/** One polite voice for the whole page. What happens within a second is said once. */
import { useEffect, useState } from 'react'
import { useText } from '../text/language'

const batch_ms = 1000

let say: (text: string) => void = () => {}
let arrivals: string[] = []

/** Says a sentence. */
export function announce(text: string): void {
  say(text)
}

/** Counts a new message; after a second one sentence names its sender or how many there were. */
export function announceArrival(name: string): void {
  arrivals.push(name)
  if (arrivals.length > 1) return
  setTimeout(() => {
    const names = arrivals
    arrivals = []
    sayArrivals(names)
  }, batch_ms)
}

let sayArrivals: (names: string[]) => void = () => {}

/** Mounted once per page. */
export function Announcer() {
  const { chat } = useText()
  const [text, setText] = useState('')
  useEffect(() => {
    say = setText
    sayArrivals = (names) =>
      setText(names.length === 1 ? chat.announce_one(names[0] ?? '') : chat.announce_many(names.length))
    return () => {
      say = () => {}
      sayArrivals = () => {}
    }
  }, [chat])
  useEffect(() => {
    if (!text) return
    // Emptied so that the same sentence is heard again.
    const cleared = setTimeout(() => setText(''), 4 * batch_ms)
    return () => clearTimeout(cleared)
  }, [text])
  return (
    <div className="sr" aria-live="polite" aria-atomic="true">
      {text}
    </div>
  )
}
