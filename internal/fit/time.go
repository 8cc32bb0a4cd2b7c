package fit

// Rates of a load whose file is in memory already, in bytes a second. Measured on two Zen 4 cores: repacking 1.1B
// weights of Q4_0 takes 0.4 to 0.8 s, mapping as many 0.05 s; zeroing the KV cache runs at the memory's speed. For a GPU
// it is a guess at a bus of PCIe 3.
const (
	repackRate = 1e9
	mapRate    = 10e9
	zeroRate   = 5e9
	busRate    = 3e9

	startSeconds = 0.1 // a worker's process and its libraries
)

// LoadSeconds is about how long a worker takes to come up if the kernel has the model's file in memory; otherwise
// reading it comes on top.
func LoadSeconds(n Need) float64 {
	return startSeconds + float64(n.Host.Repacked)/repackRate + float64(n.Host.Weights)/mapRate + float64(n.Host.KV)/zeroRate +
		float64(n.Device.Weights)/busRate
}
