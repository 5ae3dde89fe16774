/** Attachments as `blob:` URLs: fetched with the account's token by whoever the context names. */
import type { Client } from '@frontdesk/sdk'
import { createContext, useContext, useEffect, useState } from 'react'

export const FilesContext = createContext<Pick<Client, 'blobUrl'> | null>(null)

export type BlobState = { state: 'loading' } | { state: 'ready'; url: string } | { state: 'failed'; retry: () => void }

export function useBlob(url: string | null): BlobState {
  const files = useContext(FilesContext)
  const [attempt, setAttempt] = useState(0)
  const [blob, setBlob] = useState<BlobState>({ state: 'loading' })
  // `attempt` is a dependency so that a new one runs the effect again.
  useEffect(() => {
    if (!files || !url) return
    let current = true
    setBlob({ state: 'loading' })
    files.blobUrl(url).then(
      (ready) => current && setBlob({ state: 'ready', url: ready }),
      () => current && setBlob({ state: 'failed', retry: () => setAttempt((count) => count + 1) }),
    )
    return () => {
      current = false
    }
  }, [files, url, attempt])
  return blob
}

/** Fetches a file and hands it to the browser's downloads. */
export function useDownload(): (url: string, name: string) => Promise<void> {
  const files = useContext(FilesContext)
  return async (url, name) => {
    if (!files) return
    const link = document.createElement('a')
    link.href = await files.blobUrl(url)
    link.download = name
    link.click()
  }
}
