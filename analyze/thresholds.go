package analyze

// Thresholds are all numbers that findings depend on, each with its reason, so that a site can change them in a config file.
type Thresholds struct{}
