/** Takes files that are dragged over a part of the page, and says so while they hover. */
import { type DragEvent, type HTMLAttributes, type ReactNode, useRef, useState } from 'react'
import { Icon } from '../Icon'
import { useText } from '../text/language'
import './files.css'

interface Props extends HTMLAttributes<HTMLElement> {
  children: ReactNode
  /** Null while nothing can be sent. */
  onFiles: ((files: File[]) => void) | null
}

const carriesFiles = (event: DragEvent) => event.dataTransfer.types.includes('Files')

/** A `<section>` that accepts files. */
export function DropZone({ children, onFiles, ...rest }: Props) {
  const { chat } = useText()
  const depth = useRef(0)
  const [over, setOver] = useState(false)
  // Every child fires its own enter and leave; only the difference tells whether the pointer is inside.
  const move = (by: number) => {
    depth.current = Math.max(0, depth.current + by)
    setOver(depth.current > 0)
  }
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: dropping is the pointer's way; the attach button is everybody's
    <section
      {...rest}
      onDragEnter={(event) => {
        if (onFiles && carriesFiles(event)) move(1)
      }}
      onDragLeave={(event) => {
        if (onFiles && carriesFiles(event)) move(-1)
      }}
      onDragOver={(event) => {
        if (carriesFiles(event)) event.preventDefault()
      }}
      onDrop={(event) => {
        if (!carriesFiles(event)) return
        event.preventDefault()
        move(-depth.current)
        onFiles?.([...event.dataTransfer.files])
      }}
    >
      {children}
      {over && (
        <div className="drop">
          <Icon name="clip" />
          {chat.drop}
        </div>
      )}
    </section>
  )
}
