/** The identity: the desk bell, the wordmark, and the dome that an empty desk shows. */
import './brand.css'

/** `here`: somebody is at the desk, so the bell's button is filled; otherwise it is a ring. */
export function Mark({ size = 32, here = true }: { size?: number; here?: boolean }) {
  return (
    <svg className={here ? 'mark' : 'mark is-away'} viewBox="0 0 32 32" width={size} height={size} aria-hidden="true">
      <rect className="tile" width="32" height="32" rx="9" />
      <path className="form" d="M7.6 19.4a8.4 8.4 0 0 1 16.8 0 .6.6 0 0 1-.6.6H8.2a.6.6 0 0 1-.6-.6z" />
      <rect className="form" x="5.6" y="21.9" width="20.8" height="2.7" rx="1.35" />
      <circle className="dot" cx="16" cy="7.6" r={here ? 2.1 : 1.7} />
    </svg>
  )
}

const letters =
  'M8.6 3.4h-.9a2.9 2.9 0 0 0-2.9 2.9V18M2 8.5h6.2M12.4 18V8M12.4 12.6a4.6 4.6 0 0 1 4.6-4.6h.9M25.2 8a5 5 0 1 1 0 10 5 5 0 0 1 0-10zM34.6 18V8M34.6 12.4a4.4 4.4 0 0 1 8.8 0V18M49.6 4.6v10.5a2.9 2.9 0 0 0 2.9 2.9h.9M46.8 8.5h6.4M61.6 8a5 5 0 1 1 0 10 5 5 0 0 1 0-10zM66.6 2.8V18M71.6 12.9h9.7a4.9 4.9 0 1 0-1.7 3.7M92.6 9.9c-.7-1.2-1.9-1.9-3.4-1.9-1.9 0-3.3 1-3.3 2.5 0 3.5 7 1.5 7 4.9 0 1.6-1.5 2.6-3.5 2.6-1.7 0-3-.7-3.8-2M98 2.8V18M105.4 8l-7.2 6.2M101 11.8l4.8 6.2'

export function Wordmark({ height = 19 }: { height?: number }) {
  return (
    <svg
      className="word"
      viewBox="0 0 108 21"
      height={height}
      width={(height * 108) / 21}
      role="img"
      aria-label="Frontdesk"
    >
      <path d={letters} />
    </svg>
  )
}

/** Mark and wordmark side by side. */
export function Brand({ size = 32 }: { size?: number }) {
  return (
    <div className="brand">
      <Mark size={size} />
      <Wordmark height={size * 0.6} />
    </div>
  )
}

/** The mark as a backdrop: an empty desk, ready. `here` null: no button is shown while presence is unknown. */
export function Dome({ here }: { here?: boolean | null }) {
  const dot = here === undefined ? 'plain' : here === null ? 'none' : here ? 'here' : 'away'
  return <div className={`dome ${dot}`} aria-hidden="true" />
}
