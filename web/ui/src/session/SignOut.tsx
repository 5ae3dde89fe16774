/** Leaving: this session or all of them, asking first when something was not sent. */
import type { Client, Session, User } from '@frontdesk/sdk'
import { useState } from 'react'
import { countDrafts, forgetDrafts } from '../composer/drafts'
import { Dialog } from '../overlay/Dialog'
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

  const dialog =
    step.kind === 'ask' ? (
      <Dialog
        title={common.unsent_title}
        onClose={close}
        actions={
          <>
            <button type="button" className="btn" onClick={close}>
              {common.unsent_stay}
            </button>
            <button type="button" className="btn danger" onClick={() => void go(step.all)}>
              {common.sign_out}
            </button>
          </>
        }
      >
        <p>{common.unsent_text(step.unsent)}</p>
      </Dialog>
    ) : step.kind === 'failed' ? (
      <Dialog title={common.sign_out} onClose={close}>
        <p>{common.sign_out_failed}</p>
      </Dialog>
    ) : null

  return {
    entries: [
      { kind: 'choice', icon: 'signOut', label: common.sign_out, onSelect: () => leave() },
      { kind: 'choice', label: common.sign_out_all, onSelect: () => leave({ all: true }) },
    ],
    leave,
    dialog,
  }
}
