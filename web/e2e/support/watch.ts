/** Notes what no page may ever do: complain, fail, ask another host, or come without a strict policy. */
import type { BrowserContext } from '@playwright/test'

const policy = [
  /default-src 'none'/,
  /script-src 'self'(;|$)/,
  /style-src 'self'(;|$)/,
  /frame-ancestors 'none'/,
  /base-uri 'none'/,
]

export function watch(context: BrowserContext, address: string, complaints: string[]): void {
  const host = new URL(address).host
  context.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warning') {
      complaints.push(`${message.type()}: ${message.text()} (${message.location().url})`)
    }
  })
  context.on('weberror', (error) => complaints.push(`uncaught: ${error.error().message}`))
  context.on('request', (request) => {
    const url = new URL(request.url())
    if (url.protocol.startsWith('http') && url.host !== host) complaints.push(`asked ${url.origin}`)
  })
  context.on('page', (page) => {
    page.on('websocket', (socket) => {
      const url = new URL(socket.url())
      if (url.host !== host) complaints.push(`connected to ${url.origin}`)
    })
  })
  context.on('response', async (response) => {
    if (response.request().resourceType() !== 'document' || !response.ok()) return
    const header = (await response.allHeaders())['content-security-policy'] ?? ''
    for (const part of policy)
      if (!part.test(header)) complaints.push(`${response.url()}: policy "${header}" lacks ${part}`)
    if (/unsafe-/.test(header)) complaints.push(`${response.url()}: policy "${header}" allows what is unsafe`)
  })
}
