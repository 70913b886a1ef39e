package exim
import ("os";"strings";"testing";"mailforensics/mail";"time";"fmt")
func TestMin(t *testing.T) {
	if os.Getenv("MIN")=="" {t.Skip()}
	for _, f := range []string{"S0-clean-exim","S4-exim-open-relay","S4c-exim-open-relay-rich-log","S5b-web-script-exim"} {
		raw, err := os.ReadFile("/tmp/inc/"+f+"/mainlog"); if err!=nil {t.Skip()}
		groups := map[string][]string{}
		for l := range strings.Lines(string(raw)) {
			l = strings.TrimSuffix(l,"\n")[20:]
			var ev mail.Event; ev.Process="exim"; Format.Parse(l,&ev)
			k := ev.Kind.String()+"/"+ev.Disposition.String()
			groups[k] = append(groups[k], l); groups["all"]=append(groups["all"],l)
		}
		for k, lines := range groups {
			if len(lines) < 100 {continue}
			if len(lines)>2000 && k!="all" {lines=lines[:2000]}
			best := time.Hour
			var ev mail.Event
			for range 150 { s := time.Now(); for _, l := range lines { ev = mail.Event{Process:"exim"}; Format.Parse(l,&ev) }; best = min(best, time.Since(s)) }
			fmt.Printf("%s %-22s %6d lines %6.1f ns/line\n", f[:3], k, len(lines), float64(best.Nanoseconds())/float64(len(lines)))
		}
	}
}
