/** Above the composer, for what needs an answer. One at a time: signed out, then not durable, then rate limit. */
import type { RoomState } from '@frontdesk/sdk'
import type { ReactNode } from 'react'
import { Icon, type IconName } from '../Icon'
import { useText } from '../text/language'
import './feedback.css'
import { useNow } from './useNow'

export interface BannerProps {
  kind: 'warn' | 'bad' | 'info'
  icon: IconName
  children: ReactNode
  action?: ReactNode
}

export function Banner({ kind, icon, children, action }: BannerProps) {
  return (
    <div className={`banner ${kind}`} role="alert">
      <Icon name={icon} />
      <span className="grow">{children}</span>
      {action}
    </div>
  )
}

export interface RoomBannerProps {
  room: RoomState
  /** The session was ended from outside. */
  signedOut: boolean
  onSignIn: () => void
}

/** The banner that the room's state asks for, or nothing. */
export function RoomBanner({ room, signedOut, onSignIn }: RoomBannerProps) {
  const { common } = useText()
  const until = room.rate_limited_until
  const now = useNow(until === null ? null : 250)
  if (signedOut) {
    const signIn = (
      <button type="button" className="btn primary small" onClick={onSignIn}>
        {common.sign_in}
      </button>
    )
    return (
      <Banner kind="info" icon="lock" action={signIn}>
        {common.banner_signed_out}
      </Banner>
    )
  }
  if (room.not_durable) {
    return (
      <Banner kind="bad" icon="alert">
        {common.banner_not_durable}
      </Banner>
    )
  }
  const seconds = until === null ? 0 : Math.ceil((until - now) / 1000)
  if (seconds <= 0) return null
  return (
    <Banner kind="warn" icon="clock">
      {common.banner_rate_limited(seconds)}
    </Banner>
  )
}
