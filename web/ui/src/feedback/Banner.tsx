/** Above the composer, for what needs an answer. One at a time: signed out, not durable, rate limit, not kept, and what a page adds. */
import type { RoomState } from '@frontdesk/sdk'
import { type ReactNode, useEffect, useState } from 'react'
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
  /** Shown if nothing else is. */
  children?: ReactNode
}

/** What is sent at once needs no word about how it is kept. */
const unkept_after_ms = 2000

/** Whether it is to be said that what waits lives as long as the page; meanwhile the browser asks before it leaves. */
function useUnkept(unkept: boolean): boolean {
  const [lasts, setLasts] = useState(false)
  useEffect(() => {
    if (!unkept) return
    const timer = setTimeout(setLasts, unkept_after_ms, true)
    const ask = (event: Event) => event.preventDefault()
    addEventListener('beforeunload', ask)
    return () => {
      clearTimeout(timer)
      setLasts(false)
      removeEventListener('beforeunload', ask)
    }
  }, [unkept])
  return lasts
}

/** The banner that the room's state asks for, or nothing. */
export function RoomBanner({ room, signedOut, onSignIn, children }: RoomBannerProps) {
  const { common } = useText()
  const until = room.rate_limited_until
  const now = useNow(until === null ? null : 250)
  const unkept = useUnkept(room.unkept)
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
  if (seconds > 0) {
    return (
      <Banner kind="warn" icon="clock">
        {common.banner_rate_limited(seconds)}
      </Banner>
    )
  }
  if (!unkept) return children
  return (
    <Banner kind="warn" icon="alert">
      {common.banner_unkept}
    </Banner>
  )
}
