/** Three dots of whoever writes; announced once in words, since the dots themselves say nothing. */
import { useEffect } from 'react'
import { Avatar, firstName } from '../Avatar'
import { announce } from '../feedback/Announcer'
import { useText } from '../text/language'

export function TypingRow({ people }: { people: { user_id: number; name: string }[] }) {
  const { chat } = useText()
  const first = people[0]
  const name = first && firstName(first.name)
  useEffect(() => {
    if (name) announce(chat.typing(name))
  }, [name, chat])
  if (!first) return null
  return (
    <div className="grp nofoot typing" aria-hidden="true">
      <Avatar id={first.user_id} name={first.name} size={28} />
      <div className="col">
        <span className="dots">
          <i />
          <i />
          <i />
        </span>
      </div>
    </div>
  )
}
