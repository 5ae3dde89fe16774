/** An empty conversation: the mark stands on the composer, and its button tells whether somebody is at the desk. */
import { Dome, firstName, useText } from '@frontdesk/ui'

/** `here` null: not known, so nothing is said about it. */
export function Hello({ name, here }: { name: string; here: boolean | null }) {
  const { chat } = useText()
  return (
    <>
      <div className="stagew" aria-hidden="true">
        <Dome here={here} />
      </div>
      <div className="hello">
        <h2>{chat.hello(firstName(name))}</h2>
        <p>{here === null ? '\u00a0' : here ? chat.hello_here : chat.hello_away}</p>
      </div>
    </>
  )
}
