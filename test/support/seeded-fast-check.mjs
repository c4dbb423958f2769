// fast-check with the seed of PROPERTY_SEED where one is set: `npm test` sets one, so that what a commit gets is its own doing.
import fc from 'fast-check'

const seed = Number(process.env.PROPERTY_SEED ?? Number.NaN)
if (Number.isInteger(seed)) fc.configureGlobal({ ...fc.readConfigureGlobal(), seed })

export * from 'fast-check'
export default fc
