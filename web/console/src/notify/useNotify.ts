/** Tells an admin who looks elsewhere that something came: by the tab's title and icon, a bell, and in words. */

import type { InboxState } from '@frontdesk/sdk'
import { announceArrival } from '@frontdesk/ui'
import { useEffect, useEffectEvent, useRef } from 'react'
import { useStored } from '../layout/useStored'
import { useConsoleText } from '../text'
import { showFavicon } from './favicon'
import { type Bell, createBell } from './leader'
import { ring, unlockSound } from './sound'

export function useSound(): [boolean, (on: boolean) => void] {
  const [value, write] = useStored<'on' | 'off'>('sound', 'off')
  return [value === 'on', (on) => write(on ? 'on' : 'off')]
}

export function useNotify(inbox: InboxState, openId: number | null) {
  useTitle(inbox.summary?.rooms_unread ?? 0)
  useBell(inbox.last_arrival, openId)
}

function useTitle(unread: number) {
  const text = useConsoleText()
  useEffect(() => {
    document.title = unread > 0 ? text.title_unread(unread) : text.title
    showFavicon(unread > 0)
  }, [unread, text])
}

function useBell(arrival: InboxState['last_arrival'], openId: number | null) {
  const [sound] = useSound()
  const bell = useRef<Bell | null>(null)
  useEffect(() => {
    if (!sound) return
    const stopWaiting = unlockSound()
    const made = createBell(ring)
    bell.current = made
    return () => {
      bell.current = null
      made.close()
      stopWaiting()
    }
  }, [sound])

  const arrived = useEffectEvent((came: NonNullable<typeof arrival>) => {
    const open = came.room_id === openId
    // The open room's list says it itself.
    if (!open) announceArrival(came.name)
    bell.current?.arrived(came.message_id, open && document.visibilityState === 'visible')
  })
  const told = useRef(arrival)
  useEffect(() => {
    if (!arrival || arrival === told.current) return
    told.current = arrival
    arrived(arrival)
  }, [arrival])
}
