import { deepEqual } from 'node:assert/strict'
import { test } from 'node:test'
import { LiveScreen } from '../../../operator/cli/up/live-screen.ts'

/** A terminal, and what was written to it since it was last asked. */
function terminal() {
  let written: string[] = []
  const stream = { columns: 80, rows: 24, write: (text: string) => written.push(text) }
  const take = () => {
    const taken = written
    written = []
    return taken
  }
  return { screen: new LiveScreen(stream as unknown as NodeJS.WriteStream), take }
}

test('a block that did not change is not drawn again, so that it can be selected and copied', () => {
  const { screen, take } = terminal()
  screen.draw(['a'], ['b'])
  take()
  screen.draw(['a'], ['b'])
  deepEqual(take(), [])
})

test('a block is drawn again when it changed, and after a line above it', () => {
  const { screen, take } = terminal()
  screen.draw(['a'], ['b'])
  take()
  screen.draw(['c'], ['b'])
  deepEqual(take(), ['\u001b[2A\u001b[0Jc\nb\n'])
  screen.log('above')
  take()
  screen.draw(['c'], ['b'])
  deepEqual(take(), ['c\nb\n'])
})

test('a table whose lines wrap is cut to the rows that there are, and what closes is whole', () => {
  const written: string[] = []
  const stream = { columns: 10, rows: 6, write: (text: string) => written.push(text) }
  const screen = new LiveScreen(stream as unknown as NodeJS.WriteStream)
  written.length = 0
  screen.draw(['x'.repeat(25), 'y', 'z'], ['end'])
  deepEqual(written, [`${'x'.repeat(25)}\n…\nend\n`])
})
