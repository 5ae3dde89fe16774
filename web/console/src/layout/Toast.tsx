/** One short sentence about something that did not work and has no better place; it goes by itself. */
import { Icon } from '@frontdesk/ui'
import { useCallback, useEffect, useState } from 'react'

const shown_ms = 6000

interface Said {
  words: string
}

export function useToast(): [Said | null, (words: string) => void] {
  const [said, setSaid] = useState<Said | null>(null)
  useEffect(() => {
    if (!said) return
    const timer = setTimeout(() => setSaid(null), shown_ms)
    return () => clearTimeout(timer)
  }, [said])
  return [said, useCallback((words: string) => setSaid({ words }), [])]
}

export function Toast({ said }: { said: Said | null }) {
  return (
    <div className="toast" role="alert">
      {said && (
        <div className="banner bad">
          <Icon name="alert" size={16} />
          {said.words}
        </div>
      )}
    </div>
  )
}
