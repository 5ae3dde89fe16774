/** Grey shapes for what is being loaded: not at once, since most waits are short, and then long enough not to flicker. */
import { type CSSProperties, useEffect, useRef, useState } from 'react'
import './feedback.css'

const after_ms = 300
const least_ms = 500

/** `waiting`: nothing to show yet. `shown`: skeletons. `done`: the content. */
export function useSkeleton(loading: boolean): 'waiting' | 'shown' | 'done' {
  const [shown, setShown] = useState(false)
  const since = useRef(0)
  useEffect(() => {
    if (loading === shown) return
    const wait = loading ? after_ms : Math.max(0, since.current + least_ms - Date.now())
    const timer = setTimeout(() => {
      since.current = Date.now()
      setShown(loading)
    }, wait)
    return () => clearTimeout(timer)
  }, [loading, shown])
  return shown ? 'shown' : loading ? 'waiting' : 'done'
}

export function Skeleton({ style }: { style: CSSProperties }) {
  return <span className="sk" style={style} />
}

const bubbles: { side: 'start' | 'end'; width: string; height: number }[] = [
  { side: 'start', width: '46%', height: 38 },
  { side: 'start', width: '62%', height: 60 },
  { side: 'end', width: '38%', height: 38 },
  { side: 'end', width: '54%', height: 60 },
  { side: 'start', width: '30%', height: 38 },
  { side: 'start', width: '58%', height: 82 },
  { side: 'end', width: '34%', height: 38 },
]

/** A conversation that is being loaded. */
export function ListSkeleton({ words }: { words: string }) {
  return (
    <div>
      <div aria-hidden="true">
        {bubbles.map(({ side, width, height }) => (
          <div key={`${side}${width}`} className={`skrow ${side}`}>
            {side === 'start' && <Skeleton style={{ width: 28, height: 28, borderRadius: '50%' }} />}
            <Skeleton style={{ width, height, borderRadius: 12 }} />
          </div>
        ))}
      </div>
      <span className="sr" role="status">
        {words}
      </span>
    </div>
  )
}
