/** A block of rows, drawn again only when one of them changed. */
import type { StatusChange } from '@frontdesk/sdk'
import { memo } from 'react'
import { type Block, sameBlock } from './blocks'
import { type GroupVerbs, GroupView } from './GroupView'
import { DayLine, NewLine, StatusLine } from './lines'
import type { Row } from './rows'

interface LookProps {
  verbs: GroupVerbs
  statusWords: (change: StatusChange) => string
  /** The other side's people whose name need not stand over each group. */
  unnamed?: number
  side: 'user' | 'admin'
}

interface Props extends LookProps {
  block: Block
  /** Day lines say "Today". */
  today: string
}

export const BlockView = memo(
  function BlockView({ block, today, ...look }: Props) {
    return (
      <div className="block">
        {block.rows.map((row) => (
          <RowView key={row.key} row={row} {...look} />
        ))}
      </div>
    )
  },
  (a, b) =>
    a.verbs === b.verbs &&
    a.unnamed === b.unnamed &&
    a.side === b.side &&
    a.today === b.today &&
    sameBlock(a.block, b.block) &&
    // The words change with every name that becomes known.
    (a.statusWords === b.statusWords || a.block.rows.every((row) => row.kind !== 'status')),
)

function RowView({ row, verbs, statusWords, unnamed, side }: LookProps & { row: Row }) {
  switch (row.kind) {
    case 'day':
      return <DayLine at={row.at} />
    case 'new':
      return <NewLine />
    case 'status':
      return <StatusLine words={statusWords(row.change)} />
    case 'group': {
      const isUnnamed = row.messages[0]?.sender.id === unnamed
      return <GroupView group={row} verbs={verbs} name={isUnnamed ? 'none' : side === 'user' ? 'first' : 'full'} />
    }
  }
}
