package logfile

import (
	"bufio"
	"io"
	"strings"
	"testing"
	"testing/iotest"
)

func TestOneRecordALine(t *testing.T) {
	for name, c := range map[string]struct{ text, want string }{
		"a list":              {`[{"a":"b"},{"a":["c",{}]}]`, `{"a":"b"}|{"a":["c",{}]}|`},
		"printed":             {"[\r\n  {\r\n    \"a\": \"b c\"\r\n  },\r\n  {\r\n    \"a\": [\r\n      1,\r\n      2\r\n    ]\r\n  }\r\n]\r\n", `{"a":"b c"}|{"a":[1,2]}|`},
		"comma first":         {"[{\"a\":1}\n,{\"a\":2}\n]\n", `{"a":1}|{"a":2}|`},
		"objects, printed":    {"{\n\t\"a\" : 1\n}\n{\n\t\"a\" : 2\n}\n", `{"a":1}|{"a":2}|`},
		"joined":              {`{"a":1}{"a":2} {"a":3}`, "{\"a\":1}|{\"a\":2}|{\"a\":3}"},
		"CloudWatch":          {`{"events": [{"m": "a, ]}"}, {"m": "\"[{"}], "next": "f/1"}`, `{"events":[|{"m":"a, ]}"}|{"m":"\"[{"}|],"next":"f/1"}`},
		"its answers, joined": {`{"logEvents":[{"m":1}]}{"logEvents":[{"m":2}]}`, `{"logEvents":[|{"m":1}|]}|{"logEvents":[|{"m":2}|]}`},
		"Elasticsearch":       {`{"took":1,"hits":{"total":{"value":1},"hits":[{"_source":{"a":[{"b":1}]}}]}}`, `{"took":1,"hits":{"total":{"value":1},"hits":[|{"_source":{"a":[{"b":1}]}}|]}}`},
		"Loki":                {`{"data":{"result":[{"stream":{},"values":[["1","a"],["2","b"]]}]}}`, `{"data":{"result":[|{"stream":{},"values":[|["1","a"]|["2","b"]|]}|]}}`},
		"no record":           {`[{"events":["a"],"hits":[],"data":{}}]`, `{"events":["a"],"hits":[],"data":{}}|`},
		"more of a record":    {`[{"msg":"a","data":[{"b":1}]},{"c":{"message":"d"},"events":[{}]}]`, `{"msg":"a","data":[{"b":1}]}|{"c":{"message":"d"},"events":[{}]}|`},
		"a list a line":       {"[{\"a\":1}]\n[{\"a\":2},{\"a\":3}]\n", `{"a":1}|{"a":2}|{"a":3}|`},
		"cut":                 {`[{"a":1},{"a":"b`, `{"a":1}|{"a":"b`},
		"more lists than end": {`[{"a":1}]]}]`, `{"a":1}|]}]`},

		"lines":             {"{\"a\":\"}{\"}\n{\"a\":[{\"b\":1}]}\n", "{\"a\":\"}{\"}|{\"a\":[{\"b\":1}]}|"},
		"lines with lists":  {"{\"log\":\"a\",\"items\":[{}]}\n{\"log\":\"b\",\"items\":[{}]}\n", "{\"log\":\"a\",\"items\":[{}]}|{\"log\":\"b\",\"items\":[{}]}|"},
		"lines with commas": {"{\"a\":1},\n{\"a\":2},\n", "{\"a\":1},|{\"a\":2},|"},
		"a line cut":        {"{\"a\":\"b\n{\"a\":1}\n{\"a\":{\"b\":2}}\n", "{\"a\":\"b|{\"a\":1}|{\"a\":{\"b\":2}}|"},
		"a line of text":    {"{\"a\":1}\n-- Boot [1] --\n{\"a\":2}\n", "{\"a\":1}|-- Boot [1] --|{\"a\":2}|"},
		"lines of text":     {"{\"a\":[1]}\nmx1 b[2]: c {\nmx1 d[3]: e\n", "{\"a\":[1]}|mx1 b[2]: c {|mx1 d[3]: e|"},
		"a prompt behind":   {"[{\"a\":1},\n {\"a\":2}]\n$ \n", "{\"a\":1}|{\"a\":2}|$|"},
		"no JSON":           {"[pod/mail-0]\n  {}\n[]\n[1]\n", "[pod/mail-0]|  {}|[]|[1]|"},
		"RainLoop's":        {"[2024-06-03 07:07:24] x\n", "[2024-06-03 07:07:24] x|"},
		"empty":             {"", ""},
	} {
		for reader, in := range map[string]io.Reader{"whole": strings.NewReader(c.text), "byte by byte": iotest.OneByteReader(strings.NewReader(c.text))} {
			text := bufio.NewReaderSize(in, smallBuffer)
			head, _ := text.Peek(smallBuffer)
			r, _ := oneRecordALine(text, head)
			got, err := io.ReadAll(r)
			if strings.ReplaceAll(string(got), "\n", "|") != c.want || err != nil {
				t.Errorf("%s, %s: got %q, %v, want %q", name, reader, got, err, c.want)
			}
		}
	}
	long := "[" + strings.Repeat(`{"a": "b"},`, 4000) + "{}]"
	text := bufio.NewReaderSize(strings.NewReader(long), smallBuffer)
	head, _ := text.Peek(smallBuffer)
	r, ok := oneRecordALine(text, head)
	if got, err := io.ReadAll(r); !ok || string(got) != strings.Repeat("{\"a\":\"b\"}\n", 4000)+"{}\n" || err != nil {
		t.Errorf("got %v, %d bytes of a long list, %v", ok, len(got), err)
	}
}

// Lists in lists without end take no memory.
func TestOneRecordALineDeep(t *testing.T) {
	text := bufio.NewReaderSize(strings.NewReader(strings.Repeat(`{"data":[`, 100000)), smallBuffer)
	head, _ := text.Peek(smallBuffer)
	j := &jsonLines{in: text}
	if _, ok := oneRecordALine(text, head); !ok {
		t.Error("got no list")
	}
	if _, err := io.ReadAll(&converted{fill: j.fill}); err != nil || len(j.outer) > 8 {
		t.Errorf("got %d levels, %v", len(j.outer), err)
	}
}
