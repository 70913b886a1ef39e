package analyze

import "testing"

func TestDamage(t *testing.T) {
	site := &Site{recipients: map[string]struct{}{}}
	for _, r := range []string{"susan.nobody", "rickmers", "t.harms", "harms", "gerda", "uwe.brandt", "info"} {
		site.recipients[r+"@club.example"] = struct{}{}
	}
	x := newDamageIndex(site)
	for _, tt := range []struct{ address, original, kind string }{
		{"smtpsusan.nobody", "susan.nobody", "prefix"},
		{"0rickmers", "rickmers", "prefix"},
		{"domaint.harms", "t.harms", "prefix"}, // the longer of two that fit
		{"club.exampleuwe.brandt", "uwe.brandt", "prefix"},
		{"usan.nobody", "susan.nobody", "truncated"},
		{"san.nobody", "susan.nobody", "truncated"},
		{"rda", "gerda", "truncated"},
		{"osan.nobody", "susan.nobody", "substituted"},
		{"Tusan.Nobody", "susan.nobody", "substituted"},
		{"susan.nobod", "", ""},   // a typo at the end
		{"fo", "", ""},            // too little left
		{"mueller", "", ""},       // a name of a dictionary
		{"susan.nobodyx", "", ""}, // something behind
	} {
		original, kind := x.find(tt.address + "@club.example")
		if tt.original != "" {
			tt.original += "@club.example"
		}
		if original != tt.original || kind != tt.kind {
			t.Errorf("%s: got %q, %q, want %q, %q", tt.address, original, kind, tt.original, tt.kind)
		}
	}
	if _, kind := x.find("smtpgerda@other.example"); kind != "" {
		t.Errorf("another domain: got kind %q, want none", kind)
	}
}
