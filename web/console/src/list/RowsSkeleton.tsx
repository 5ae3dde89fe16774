/** The shape of the list while its first page loads. */
import { useConsoleText } from '../text'

const widths = [
  [56, 88],
  [38, 72],
  [64, 94],
  [44, 60],
  [52, 81],
  [36, 69],
  [60, 88],
]

export function RowsSkeleton() {
  const text = useConsoleText()
  return (
    <div className="row-skeletons" role="status" aria-label={text.loading_rooms}>
      {widths.map(([name, line]) => (
        <div className="row-skeleton" key={name} aria-hidden="true">
          <span className="sk disc" />
          <span className="sk" style={{ width: `${name}%` }} />
          <span className="sk thin" style={{ width: `${line}%` }} />
        </div>
      ))}
    </div>
  )
}
