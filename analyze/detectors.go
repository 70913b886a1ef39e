package analyze

// Detectors is every kind of abuse that is recognised, in the order in which reports show them.
func Detectors() []Detector {
	return []Detector{
		account,
		guessing,
		phish,
		burst,
		openRelay,
		script,
		mangled,
		secondaryMX,
		campaign,
		reputation,
		backscatter,
	}
}
