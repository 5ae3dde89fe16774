/** The column beside the card, on wide screens: the name, earlier conversations, who is signed in. */
import type { RoomHandle, User } from '@frontdesk/sdk'
import { Avatar, Brand, IconButton, useText } from '@frontdesk/ui'
import { ConversationList } from './ConversationList'
import type { Conversations } from './useConversations'

interface Props {
  user: User
  conversations: Conversations
  shown: RoomHandle | null
  onSignOut: (() => void) | null
}

export function Side({ user, conversations, shown, onSignOut }: Props) {
  const { common, chat } = useText()
  return (
    <aside className="side on-app">
      <Brand />
      <nav aria-label={chat.conversations}>
        <h2>{chat.conversations}</h2>
        {(conversations.list?.length ?? 0) > 1 ? (
          <ConversationList conversations={conversations} shown={shown} user={user} />
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
