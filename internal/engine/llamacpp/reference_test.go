package llamacpp_test

const referenceCommand = "reference"

func referenceMain([]string) int { return 1 }
