// Random programs of everything that can happen to a mesh, against a simple model (test/support/model/):
//   MODEL_SEED=17 npm test -- test/integration/operator-model.test.ts   runs the program of one seed
//   MODEL_PROGRAMS=500 KONGSUL_MODEL_STEPS=25 ...                       runs many, and longer ones
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { startConsul, type TestConsul } from '../support/consul.ts'
import { type Program, randomProgram } from '../support/model/program.ts'
import { runProgram } from '../support/model/run-program.ts'
import { type Failure, shorten } from '../support/model/shorten.ts'

const numberFrom = (name: string, otherwise: number): number => Number(process.env[name] ?? otherwise)

const SEED = process.env['MODEL_SEED']
const PROGRAMS = SEED === undefined ? numberFrom('MODEL_PROGRAMS', 40) : 1
const STEPS = numberFrom('KONGSUL_MODEL_STEPS', 15)
const FIRST_SEED = Number(SEED ?? numberFrom('KONGSUL_MODEL_FIRST_SEED', 1))
/** No more programs are begun after this, however slow the machine is. */
const LIMIT_MS = numberFrom('KONGSUL_MODEL_SECONDS', PROGRAMS > 40 ? 36_000 : 20) * 1000
const SHORTEN_MS = 60_000

let consul: TestConsul
before(async () => {
  consul = await startConsul()
})
after(() => consul.stop())

test('whatever happens, no edit is lost, nothing of others is touched, services keep their targets, and the rest is as Consul says', async (t) => {
  const deadline = performance.now() + LIMIT_MS
  let ran = 0
  for (; ran < PROGRAMS && performance.now() < deadline; ran++) {
    const program = randomProgram(FIRST_SEED + ran, STEPS)
    const result = await runProgram(consul, program)
    if (result.wrong.length > 0) assert.fail(report(await shorten(consul, { program, result }, SHORTEN_MS)))
  }
  t.diagnostic(`${ran} programs, seeds from ${FIRST_SEED}`)
  assert.ok(ran > 0)
})

function report({ program, result }: Failure): string {
  return [
    ...result.wrong,
    `MODEL_SEED=${program.seed} KONGSUL_MODEL_STEPS=${STEPS} runs it again; shortened it is:`,
    ...stepsOf(program),
    'The end of what happened:',
    ...result.log.slice(-60),
  ].join('\n')
}

const stepsOf = ({ steps }: Program): string[] => steps.map((step) => `  ${JSON.stringify(step)}`)
