/** Signing in on the user's page, the first run, and an admin at the wrong door. */
import type { Options } from '@frontdesk/sdk'
import { useEffect } from 'react'
import { App } from '../../user/src/App'
import { fakeClient, fakeSession } from './fake'
import { ada } from './people'

const out = { status: 'signed_out', user: null, reason: 'none' } as const
const demo: Options['demo'] = [
  { phone: '9999999999', password: 'drivecash', name: 'Ada', role: 'admin' },
  { phone: '9000000001', password: 'drivecash', name: 'Grace Hopkins', role: 'user' },
  { phone: '9000000002', password: 'drivecash', name: '佐藤 美咲', role: 'user' },
  { phone: '9000000003', password: 'drivecash', name: 'ليلى حداد', role: 'user' },
]
const connect = () => fakeClient({})

/** Fills the form and sends it, so that its answer is on the screen. */
function Refused({ status, code }: { status: number; code: 'unauthorized' | 'rate_limited' | 'network' }) {
  useEffect(() => {
    const form = document.querySelector('form')
    for (const input of form?.querySelectorAll('input') ?? []) input.value = '9999999999'
    form?.requestSubmit()
  }, [])
  const refusal = Object.assign(new Error('refused'), { status, code, retry_after_ms: 42_000 })
  return <App session={fakeSession(out, { demo }, refusal)} connect={connect} />
}

export const states = {
  demo: () => <App session={fakeSession(out, { demo })} connect={connect} />,
  plain: () => <App session={fakeSession(out)} connect={connect} />,
  wrong: () => <Refused status={401} code="unauthorized" />,
  limited: () => <Refused status={429} code="rate_limited" />,
  unreachable: () => <Refused status={0} code="network" />,
  first: () => <App session={fakeSession(out, { has_accounts: false })} connect={connect} />,
  admin: () => <App session={fakeSession({ status: 'signed_in', user: ada, reason: null })} connect={connect} />,
}
