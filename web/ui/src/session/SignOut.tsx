/** Leaving: this session or all of them, asking first when something was not sent. */
import type { Client, Session, User } from '@frontdesk/sdk'
import { useState } from 'react'
import { countDrafts, forgetDrafts } from '../composer/drafts'
import { SignOutDialog } from '../later/parts'
import type { MenuEntry } from '../overlay/Menu'
import { useText } from '../text/language'

export interface SignOut {
  /** The two choices for a menu. */
  entries: MenuEntry[]
  leave(options?: { all?: boolean }): void
  /** To be rendered: the question, or that the server could not be told. */
  dialog: React.ReactNode
}

type Step = { kind: 'idle' } | { kind: 'ask'; all: boolean; unsent: number } | { kind: 'failed' }

export function useSignOut(session: Session, client: Client | null, user: User): SignOut {
  const { common } = useText()
  const [step, setStep] = useState<Step>({ kind: 'idle' })

  const go = async (all: boolean) => {
    setStep({ kind: 'idle' })
    forgetDrafts(user.id)
    await client?.forget()
    await session.logout({ all }).catch(() => setStep({ kind: 'failed' }))
  }
  const leave = ({ all = false } = {}) => {
    const unsent = (client?.unsent() ?? 0) + countDrafts(user.id)
    if (unsent > 0) setStep({ kind: 'ask', all, unsent })
    else void go(all)
  }
  const close = () => setStep({ kind: 'idle' })

  const dialog = step.kind !== 'idle' && (
    <SignOutDialog
      unsent={step.kind === 'ask' ? step.unsent : 0}
      onClose={close}
      onLeave={() => go(step.kind === 'ask' && step.all)}
    />
  )

  return {
    entries: [
      { kind: 'choice', icon: 'signOut', label: common.sign_out, onSelect: () => leave() },
      { kind: 'choice', label: common.sign_out_all, onSelect: () => leave({ all: true }) },
    ],
    leave,
    dialog,
  }
}
