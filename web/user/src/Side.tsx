/** The column beside the card, on wide screens: the name, earlier conversations, who is signed in. */
import { Avatar, Brand, IconButton, useText } from '@frontdesk/ui'
import type { ConversationListProps } from './ConversationList'
import { ConversationList } from './later'

interface Props {
  list: ConversationListProps
  onSignOut: (() => void) | null
}

export function Side({ list, onSignOut }: Props) {
  const { common, chat } = useText()
  const { user } = list
  return (
    <aside className="side on-app">
      <Brand />
      <nav aria-label={chat.conversations}>
        <h2>{chat.conversations}</h2>
        {list.rooms.length > 1 ? (
          <ConversationList {...list} />
        ) : (
          <p className="hint kept">{chat.conversations_kept}</p>
        )}
      </nav>
      <span className="grow" />
      <div className="meb">
        <Avatar id={user.id} name={user.name} size={32} />
        <span className="grow">
          <b className="clip" dir="auto">
            {user.name}
          </b>
          <span className="hint">{onSignOut ? common.signed_in : common.signed_out}</span>
        </span>
        {onSignOut && <IconButton icon="signOut" label={common.sign_out} onClick={onSignOut} />}
      </div>
    </aside>
  )
}
