package demo

// text is something the model knows by heart. As a raw prompt, any few words of it are continued to its end; in a
// chat, a message that holds one of its topics is answered with all of it.
type text struct {
	words  string
	topics []string
	strong bool // the topics say what to do, not only what about: they win over the others nearby
}

// texts begins with the chat's answer to a message without a topic.
var texts = []text{
	{words: "Hello! I am a tiny llama with hand-made weights, and I run on this machine alone. " +
		"Ask me for a story, a haiku or a joke."},
	{words: "Hello world from a tiny llama that lives inside this machine. It has only one layer, but it remembers " +
		"four words at a time, and it is happy to be here.",
		topics: []string{"world"}},
	{words: "Once upon a time there was a small llama who wanted to see the whole world. She packed a bag of hay, " +
		"said goodbye to the hill, and followed the river down to the sea. There she met a bee who carried letters " +
		"between the machines of the city. They became friends, and every evening they told each other a new story. " +
		"When winter came, the bee slept in the warm wool of the llama, and both of them dreamed of honey. The end.",
		topics: []string{"story", "tale"}, strong: true},
	{words: "Silent fans at night,\na llama dreams of numbers,\nwords fall like soft rain.",
		topics: []string{"haiku", "poem"}, strong: true},
	{words: "Why did the llama sit on the keyboard? It wanted to type with its whole heart.",
		topics: []string{"joke", "funny"}, strong: true},
	{words: "One, two, three, four, five, six, seven, eight, nine, ten.",
		topics: []string{"count", "numbers"}, strong: true},
	{words: "The queen sends every prompt to a free worker, and the tokens stream back one by one. When the last " +
		"answer is given, the whole colony goes home and leaves nothing behind.",
		topics: []string{"queen", "colony"}},
	{words: "A hive looks after the workers of one machine. It knows their models, and when the queen is gone, it " +
		"closes the door and goes to sleep.",
		topics: []string{"hive"}},
	{words: "A worker is a small process that loads one model and answers with a stream of tokens.",
		topics: []string{"worker", "workers"}},
	{words: "Bees can count. Every token was a drop of honey, and the bee put them in a row until the sentence was " +
		"complete. Then the bee slept. 🐝",
		topics: []string{"bee", "bees", "honey", "token", "tokens"}},
	{words: "I am a llama: one layer, four heads, three of them looking back and one listening to you.",
		topics: []string{"who", "llama", "yourself"}},
	{words: "The capital of France is Paris.",
		topics: []string{"france", "capital"}},
	{words: "This is a test of the worker, and it is passed when you can read this sentence to the end.",
		topics: []string{"test"}},
	{words: "The quick brown fox jumps over the lazy dog, and the llama watches.",
		topics: []string{"fox"}},
}

func (t text) strength() float32 {
	if t.strong {
		return strongTopic
	}
	return weakTopic
}

// chatTemplate is ChatML, which every engine knows.
const chatTemplate = "{% for message in messages %}{{'<|im_start|>' + message['role'] + '\n' + message['content'] + " +
	"'<|im_end|>' + '\n'}}{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"

// answerStart is what that template ends with: the place where a chat's answer begins.
const answerStart = turnStart + "assistant\n"
