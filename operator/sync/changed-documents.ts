const DEFAULTS_KEY = 'mesh/defaults'

/** Which documents in KV changed, as reasons for the services they are about. */
export function changedDocuments(
  before: ReadonlyMap<string, string>,
  after: ReadonlyMap<string, string>,
): (service: string) => readonly string[] {
  const reasonFor = (key: string): readonly string[] => {
    const [old, now] = [before.get(key), after.get(key)]
    if (old === now) return []
    return [`KV ${key} ${old === undefined ? 'written' : now === undefined ? 'deleted' : 'changed'}`]
  }
  const ofDefaults = reasonFor(DEFAULTS_KEY)
  return (service) => {
    const reasons = [...ofDefaults, ...reasonFor(`mesh/services/${service}`)]
    // What another service gave up, or took, concerns this one as well.
    return reasons.length > 0 ? reasons : ['settings of another service changed']
  }
}
