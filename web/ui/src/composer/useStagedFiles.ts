/** Files that were chosen, dropped or pasted and wait for the message to be sent. */
import { limits } from '@frontdesk/sdk'
import { useCallback, useEffect, useRef, useState } from 'react'

export interface StagedFile {
  id: number
  file: File
  /** A `blob:` URL of a picture. */
  preview: string | null
  tooLarge: boolean
}

let nextId = 1

function stage(file: File): StagedFile {
  const preview = /^image\/(png|jpeg|gif|webp)$/.test(file.type) ? URL.createObjectURL(file) : null
  return { id: nextId++, file, preview, tooLarge: file.size > limits.file_bytes_max }
}

const drop = (files: StagedFile[]) => {
  for (const { preview } of files) if (preview) URL.revokeObjectURL(preview)
}

export interface StagedFiles {
  staged: StagedFile[]
  /** More were given than one message takes; those past the limit were left out. */
  tooMany: boolean
  add(files: File[]): void
  remove(id: number): void
  /** Empties the tray and returns what can be sent. */
  take(): File[]
}

export function useStagedFiles(): StagedFiles {
  const [staged, setStaged] = useState<StagedFile[]>([])
  const [tooMany, setTooMany] = useState(false)
  const latest = useRef(staged)
  latest.current = staged
  useEffect(() => () => drop(latest.current), [])

  const add = useCallback((files: File[]) => {
    const free = limits.files_per_message_max - latest.current.length
    setTooMany(files.length > free)
    setStaged([...latest.current, ...files.slice(0, free).map(stage)])
  }, [])
  const remove = (id: number) => {
    setTooMany(false)
    drop(staged.filter((entry) => entry.id === id))
    setStaged(staged.filter((entry) => entry.id !== id))
  }
  const take = () => {
    const files = staged.filter((entry) => !entry.tooLarge).map((entry) => entry.file)
    drop(staged)
    setStaged([])
    setTooMany(false)
    return files
  }
  return { staged, tooMany, add, remove, take }
}
