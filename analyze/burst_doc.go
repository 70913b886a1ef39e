package analyze

const burstDoc = `TODO`
