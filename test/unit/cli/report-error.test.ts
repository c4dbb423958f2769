import { equal, match } from 'node:assert/strict'
import { test } from 'node:test'
import { errorText } from '../../../operator/cli/report-error.ts'
import { whatToDo } from '../../../operator/cli/what-to-do.ts'
import { ConsulError } from '../../../operator/consul/consul-error.ts'
import { connectionError, kongError } from '../../../operator/kong/kong-error.ts'

test('an error of a read says whom it asked, what came back, and what to do', () => {
  const refused = new ConsulError(
    'CONSUL_UNREACHABLE',
    'kv.get',
    'kv.get: connect ECONNREFUSED 127.0.0.1:8500',
  )
  const [who, answer, remedy] = errorText(refused).split('\n')
  equal(who, 'asking Consul')
  equal(answer, '  came back:  kv.get: connect ECONNREFUSED 127.0.0.1:8500')
  match(remedy!, /^ {2}what to do: start the agent there, or set CONSUL_HTTP_ADDR/)
})

test('a Kong that answers is not to be started', () => {
  const failed = kongError('GET', '/services', 500, { message: 'An unexpected error occurred' })
  match(errorText(failed), /^asking Kong’s Admin API\n.*GET \/services answered 500: .*\n.*error log of Kong/)
  const gone = connectionError('GET', '/status', { code: 'ECONNREFUSED', message: 'connect ECONNREFUSED' })
  match(errorText(gone), /what to do: start Kong there/)
})

test('what is neither of Consul nor of Kong is told as it is', () => {
  equal(errorText(new Error('no more files')), 'no more files')
  equal(whatToDo(null), undefined)
})
