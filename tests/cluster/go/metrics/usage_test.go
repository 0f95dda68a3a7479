package main

import "testing"

const before = `# HELP container_cpu_usage_seconds_total Cumulative cpu time
container_cpu_usage_seconds_total{container="server",namespace="demo",pod="flights"} 10 1700000000000
container_memory_working_set_bytes{container="server",namespace="demo",pod="flights"} 1.048576e+06 1700000000000
node_cpu_usage_seconds_total 100 1700000000000
node_memory_working_set_bytes 2048 1700000000000
`
const after = `container_cpu_usage_seconds_total{container="server",namespace="demo",pod="flights"} 12.5 1700000010000
container_memory_working_set_bytes{container="server",namespace="demo",pod="flights"} 2.097152e+06 1700000010000
node_cpu_usage_seconds_total 115 1700000010000
node_memory_working_set_bytes 4096 1700000010000
`

func TestTwoSamplesTellCoresAndBytes(t *testing.T) {
	u := newUsage()
	u.take("node", before)
	if _, _, _, ok := u.of("node", "demo", "flights", "server"); ok {
		t.Fatal("one sample is no rate")
	}
	u.take("node", after)
	u.take("node", after) // the kubelet's page is older than our look
	used, _, window, ok := u.of("node", "demo", "flights", "server")
	if !ok || used.Cpu().MilliValue() != 250 || used.Memory().Value() != 2<<20 || window.Seconds() != 10 {
		t.Fatalf("%v %v %v", used, window, ok)
	}
	if whole, _, _, ok := u.of("node", "", "", ""); !ok || whole.Cpu().MilliValue() != 1500 {
		t.Fatalf("the node: %v", whole)
	}
}

func TestWhatIsGoneIsForgotten(t *testing.T) {
	u := newUsage()
	u.take("node", before)
	u.take("node", after)
	u.take("node", "")
	if _, _, _, ok := u.of("node", "demo", "flights", "server"); ok {
		t.Fatal("a container that is gone still uses something")
	}
}
