import { deepEqual, equal, match, ok } from 'node:assert/strict'
import { test } from 'node:test'
import { judgeProbe, judgeReach } from '../../../operator/cli/doctor/judge-reach.ts'
import { type Step, userIn, whatBlocks } from '../../../operator/cli/doctor/socket-access.ts'

const kong = { uid: 100, gids: [100, 200], mayAll: false }
const root: Step = { path: '/', uid: 0, gid: 0, mode: 0o755 }
const folder = (mode: number, uid = 1, gid = 1): Step => ({ path: '/run/s', uid, gid, mode })
const socket = (mode: number, uid = 1, gid = 1): Step => ({ path: '/run/s/a.sock', uid, gid, mode })
const blocked = (...way: Step[]) => whatBlocks(kong, [root, ...way])?.path ?? null

test('who may not search the folder, or write to the socket, is kept out by it', () => {
  equal(blocked(folder(0o700), socket(0o600)), '/run/s')
  equal(blocked(folder(0o755), socket(0o600)), '/run/s/a.sock')
  equal(blocked(folder(0o755), socket(0o644)), '/run/s/a.sock')
  equal(blocked(folder(0o755), socket(0o622)), null)
})

test('the first class that fits decides: owner, then any of the groups, then others', () => {
  equal(blocked(folder(0o2750, 1, 200), socket(0o660, 1, 200)), null)
  equal(blocked(folder(0o700, 100), socket(0o600, 100)), null)
  equal(blocked(folder(0o077, 100), socket(0o600, 100)), '/run/s')
  equal(blocked(folder(0o707, 1, 200), socket(0o666)), '/run/s')
})

test('no mode keeps root out', () => {
  equal(whatBlocks({ ...kong, mayAll: true }, [root, folder(0o700), socket(0o600)]), null)
})

test('who a process is stands in its status', () => {
  const status = 'Name:\tnginx\nUid:\t0\t65534\t65534\t65534\nGid:\t0\t65533\t0\t0\nGroups:\t4 24 \nCapEff:\t'
  deepEqual(userIn(`${status}0000000000000000\n`), { uid: 65534, gids: [65533, 4, 24], mayAll: false })
  equal(userIn(`${status}000001ffffffffff\n`)?.mayAll, true)
  equal(userIn('Name:\tnginx\n'), null)
})

const told = (called: boolean, unasked: number) => ({ node: 'kong-1', from_kong: { called, unasked } })
const TROUBLE = 'uid 100 may not pass /run/s'
const levels = (...given: Parameters<typeof judgeReach>) => {
  const findings = judgeReach(...given)
  return findings === 'unknown' ? findings : findings.map(({ level }) => level)
}

test('requests answered 500 without a call of the plugins are a problem, with what is seen of the sockets', () => {
  const findings = judgeReach({ processes: [told(false, 7)], troubles: [TROUBLE] })
  ok(findings !== 'unknown')
  match(findings[0]!.found, /PLUGINS_UNREACHED.*kong-1 \(7 requests\).*may not pass/)
})

test('sockets that Kong may not open are a problem before the first request, unless Kong has called all the same', () => {
  deepEqual(levels({ processes: [told(false, 0)], troubles: [TROUBLE] }), ['problem'])
  deepEqual(levels({ processes: [], troubles: [TROUBLE] }), ['problem'])
  deepEqual(levels({ processes: [told(true, 0)], troubles: [TROUBLE] }), ['ok'])
})

test('a process that was not called yet, or is too old to tell, says nothing', () => {
  equal(levels({ processes: [told(false, 0)], troubles: [] }), 'unknown')
  equal(levels({ processes: [{ node: 'kong-1' }], troubles: [] }), 'unknown')
})

test("500 of Kong itself is a problem, a service's own is none", () => {
  const of = (status: number, isKongs: boolean) =>
    judgeProbe('http://k', 'web.mesh', status, isKongs).map(({ level }) => level)
  deepEqual([of(500, true), of(500, false), of(404, true), of(200, false)], [['problem'], ['ok'], [], ['ok']])
})
