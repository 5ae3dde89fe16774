/** Catches what a screen throws, so that a person is told and can go on. */
import { Component, type ErrorInfo, type ReactNode } from 'react'
import { speech } from '../text/language'

export class ErrorBoundary extends Component<{ children: ReactNode }, { failed: boolean }> {
  override state = { failed: false }

  static getDerivedStateFromError() {
    return { failed: true }
  }

  override componentDidCatch(error: Error, info: ErrorInfo) {
    // biome-ignore lint/suspicious/noConsole: the only trace a person can hand to whoever looks into it
    console.error(error, info.componentStack)
  }

  override render() {
    if (!this.state.failed) return this.props.children
    const { common } = speech().text
    return (
      <main className="empty" role="alert">
        <h2>{common.crash_title}</h2>
        <p>{common.crash_text}</p>
        <button type="button" className="btn primary" onClick={() => location.reload()}>
          {common.crash_reload}
        </button>
      </main>
    )
  }
}
