/** Who is signed in, and the two ways to leave. */

import type { User } from '@frontdesk/sdk'
import { Avatar, Icon, useText } from '@frontdesk/ui'
import './settings.css'

export interface AccountProps {
  me: User
  onSignOut(all: boolean): void
}

export function Account({ me, onSignOut }: AccountProps) {
  const { common } = useText()
  return (
    <div className="account">
      <div className="account-who">
        <Avatar id={me.id} name={me.name} size={40} presence="online" />
        <div>
          <b className="clip" dir="auto">
            {me.name}
          </b>
          <span className="hint">{common.admin}</span>
        </div>
      </div>
      <div className="account-verbs">
        <button type="button" onClick={() => onSignOut(false)}>
          <Icon name="signOut" />
          {common.sign_out}
        </button>
        <button type="button" onClick={() => onSignOut(true)}>
          <Icon name="globe" />
          {common.sign_out_all}
        </button>
      </div>
    </div>
  )
}
