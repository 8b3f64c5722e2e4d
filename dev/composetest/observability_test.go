package composetest

import (
	"encoding/json"
	"io"
	"log/slog"
	"net"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	client "github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"
	"gopkg.in/yaml.v3"

	"kyc/privacy"
	"kyc/privacy/codecserver"
	"kyc/starter"
	"kyc/starter/httpapi"
)

type prometheusConfig struct {
	RuleFiles     []string `yaml:"rule_files"`
	ScrapeConfigs []struct {
		JobName       string                       `yaml:"job_name"`
		StaticConfigs []struct{ Targets []string } `yaml:"static_configs"`
	} `yaml:"scrape_configs"`
}

func prometheus(t *testing.T) prometheusConfig {
	var c prometheusConfig
	require.NoError(t, yaml.Unmarshal([]byte(read(t, "deploy/prometheus/prometheus.yml")), &c))
	require.NotEmpty(t, c.ScrapeConfigs)
	return c
}

func TestPrometheus_Targets_AreServicesThatListenThere(t *testing.T) {
	p := project(t)
	scraper, err := p.GetService("prometheus")
	require.NoError(t, err)
	listen := map[string]string{
		"worker": "METRICS_LISTEN", "webhookbridge": "WEBHOOK_LISTEN", "api": "API_LISTEN", "codec-server": "CODEC_LISTEN", "temporal": "PROMETHEUS_ENDPOINT",
	}
	scraped := map[string]bool{}
	for _, job := range prometheus(t).ScrapeConfigs {
		for _, s := range job.StaticConfigs {
			for _, target := range s.Targets {
				host, port, err := net.SplitHostPort(target)
				require.NoError(t, err)
				require.Equal(t, job.JobName, host)
				service, err := p.GetService(host)
				require.NoError(t, err)
				_, listens, err := net.SplitHostPort(environment(service)[listen[host]])
				require.NoError(t, err, host)
				require.Equal(t, listens, port, host)
				require.True(t, shareNetwork(scraper, service), host)
				scraped[host] = true
			}
		}
	}
	for host := range listen {
		require.True(t, scraped[host], "nothing is scraped of %s", host)
	}
}

// sdkMetrics are the metrics of Temporal's Go SDK that may be asked for, as they are named in Prometheus: counters with
// _total, latencies with _seconds and what histograms add to it.
var sdkMetrics = regexp.MustCompile(`^temporal_(` +
	`num_pollers|worker_task_slots_(available|used)|sticky_cache_size|` +
	`(workflow_(completed|failed|canceled|continue_as_new|task_execution_failed|task_queue_poll_(empty|succeed))|` +
	`activity_(execution_failed|task_error)|corrupted_signals|(long_)?request(_failure|_resource_exhausted)?)_total|` +
	`(workflow_(endtoend|task_(schedule_to_start|execution|replay))_latency|activity_(schedule_to_start|execution|succeed_endtoend)_latency|` +
	`(long_)?request_latency)_seconds_(bucket|sum|count))$`)

var (
	metricName = regexp.MustCompile(`\btemporal_[a-z_]+`)
	jobName    = regexp.MustCompile(`job=~?"([^"]+)"`)
	ownMetric  = regexp.MustCompile(`\b(onboarding_[a-z_]+)(?:\{([^}]*)\})?`)
	matched    = regexp.MustCompile(`([a-z_]+)\s*(?:=~|!~|!=|=)\s*"`)
	grouped    = regexp.MustCompile(`\bby \(([^)]*)\)`)
)

func requireKnownMetrics(t *testing.T, own map[string][]string, expression string) {
	t.Helper()
	for _, name := range metricName.FindAllString(expression, -1) {
		require.Regexp(t, sdkMetrics, name, expression)
	}
	jobs := map[string]bool{}
	for _, job := range prometheus(t).ScrapeConfigs {
		jobs[job.JobName] = true
	}
	for _, found := range jobName.FindAllStringSubmatch(expression, -1) {
		for _, job := range strings.Split(found[1], "|") {
			require.True(t, jobs[job], "nothing is scraped as job %s: %s", job, expression)
		}
	}
	require.Empty(t, ownMetricProblem(own, expression), expression)
	require.Equal(t, strings.Count(expression, "("), strings.Count(expression, ")"), expression)
	require.Equal(t, strings.Count(expression, "{"), strings.Count(expression, "}"), expression)
}

// ownMetricProblem holds the metrics of our programs, and the labels they are asked for by, against what the programs
// register. What is grouped by must be a label of every one of them in the expression.
func ownMetricProblem(own map[string][]string, expression string) string {
	for _, found := range ownMetric.FindAllStringSubmatch(expression, -1) {
		labels, known := own[found[1]]
		if !known {
			return "no program has the metric " + found[1]
		}
		asked := matched.FindAllStringSubmatch(found[2], -1)
		for _, group := range grouped.FindAllStringSubmatch(expression, -1) {
			for _, label := range strings.Split(group[1], ",") {
				asked = append(asked, []string{"", strings.TrimSpace(label)})
			}
		}
		for _, label := range asked {
			if label[1] != "job" && !slices.Contains(labels, label[1]) {
				return found[1] + " has no label " + label[1]
			}
		}
	}
	return ""
}

// described takes a description apart, which the client library offers as text alone.
var described = regexp.MustCompile(`fqName: "([^"]+)".*variableLabels: \{([^}]*)\}`)

// ownMetrics are the series of API and codec server with their labels, as the programs themselves register them.
func ownMetrics(t *testing.T) map[string][]string {
	t.Helper()
	registry := client.NewRegistry()
	secret := strings.Repeat("x", 32)
	_, err := httpapi.New(httpapi.Config{
		Onboardings: starter.New(nil, nil, starter.Options{}), Tokens: []httpapi.Token{{Name: "test", Secret: secret}}, Registry: registry,
	})
	require.NoError(t, err)
	_, err = codecserver.New(codecserver.Config{
		Codec: privacy.NewCodec(privacy.CodecConfig{}), Tokens: []codecserver.Token{{Name: "test", Secret: secret}},
		Log: slog.New(slog.NewTextHandler(io.Discard, nil)), Registry: registry,
	})
	require.NoError(t, err)
	descriptions := make(chan *client.Desc)
	go func() {
		defer close(descriptions)
		registry.Describe(descriptions)
	}()
	own := map[string][]string{}
	for d := range descriptions {
		found := described.FindStringSubmatch(d.String())
		require.Len(t, found, 3, d.String())
		labels := strings.FieldsFunc(found[2], func(r rune) bool { return r == ',' || r == ' ' })
		own[found[1]] = labels
		if strings.HasSuffix(found[1], "_seconds") { // histograms
			own[found[1]+"_bucket"] = append(slices.Clone(labels), "le")
			own[found[1]+"_sum"], own[found[1]+"_count"] = labels, labels
		}
	}
	require.Contains(t, own, "onboarding_api_requests_total")
	require.Contains(t, own, "onboarding_codec_requests_refused_total")
	return own
}

func TestOwnMetricProblem_EachMistake_IsSeen(t *testing.T) {
	own := ownMetrics(t)
	for name, expression := range map[string]string{
		"a metric that nobody has":         `sum(rate(onboarding_api_request_total[5m]))`,
		"a histogram asked as a counter":   `sum(rate(onboarding_api_request_duration_seconds_total[5m]))`,
		"a label that it does not have":    `sum(rate(onboarding_api_requests_total{code="busy"}[5m]))`,
		"a group that it does not have":    `sum by (reason) (rate(onboarding_api_requests_total[5m]))`,
		"buckets of what is no histogram":  `sum by (le) (rate(onboarding_codec_sign_ins_total[5m]))`,
		"the second metric of two is none": `sum(onboarding_api_requests_in_flight) / sum(onboarding_api_in_flight)`,
	} {
		t.Run(name, func(t *testing.T) { require.NotEmpty(t, ownMetricProblem(own, expression)) })
	}
	require.Empty(t, ownMetricProblem(own, `sum by (method) (rate(onboarding_api_requests_total{job="api",status=~"5.."}[5m]))`))
}

func TestAlerts_AskForMetricsThatExistAndSayWhatToDo(t *testing.T) {
	own, asked, manual := ownMetrics(t), "", read(t, "docs/operations.md")
	for _, file := range prometheus(t).RuleFiles {
		var rules struct {
			Groups []struct {
				Rules []struct {
					Alert, Expr         string
					Labels, Annotations map[string]string
				}
			}
		}
		require.NoError(t, yaml.Unmarshal([]byte(read(t, "deploy/prometheus/"+file)), &rules))
		require.NotEmpty(t, rules.Groups)
		for _, g := range rules.Groups {
			require.NotEmpty(t, g.Rules)
			for _, r := range g.Rules {
				require.NotEmpty(t, r.Alert)
				requireKnownMetrics(t, own, r.Expr)
				asked += r.Expr
				require.Contains(t, []string{"page", "ticket"}, r.Labels["severity"], r.Alert)
				require.NotEmpty(t, r.Annotations["summary"], r.Alert)
				require.NotEmpty(t, r.Annotations["description"], r.Alert)
				require.Contains(t, manual, "`"+r.Alert+"`", "docs/operations.md does not say what to do")
			}
		}
	}
	for _, job := range prometheus(t).ScrapeConfigs {
		if job.JobName != "temporal" { // its alerts are a matter of whoever runs Temporal
			require.Contains(t, asked, `absent(up{job="`+job.JobName+`"} == 1)`, "nobody is told when %s is gone", job.JobName)
		}
	}
}

func TestGrafana_Provisioning_FitsTogether(t *testing.T) {
	p := project(t)
	var sources struct {
		Datasources []struct{ UID, URL string }
	}
	require.NoError(t, yaml.Unmarshal([]byte(read(t, "deploy/grafana/provisioning/datasources/prometheus.yaml")), &sources))
	require.Len(t, sources.Datasources, 1)
	host, _, err := net.SplitHostPort(strings.TrimPrefix(sources.Datasources[0].URL, "http://"))
	require.NoError(t, err)
	_, err = p.GetService(host)
	require.NoError(t, err)

	var providers struct {
		Providers []struct{ Options struct{ Path string } }
	}
	require.NoError(t, yaml.Unmarshal([]byte(read(t, "deploy/grafana/provisioning/dashboards/onboarding.yaml")), &providers))
	require.Len(t, providers.Providers, 1)
	grafana, err := p.GetService("grafana")
	require.NoError(t, err)
	var mounted string
	for _, v := range grafana.Volumes {
		if v.Target == providers.Providers[0].Options.Path {
			mounted = v.Source
		}
	}
	dashboards, err := filepath.Glob(filepath.Join(mounted, "*.json"))
	require.NoError(t, err)
	own, uids := ownMetrics(t), map[string]bool{}
	require.NotEmpty(t, dashboards, "no dashboard is mounted at %s", providers.Providers[0].Options.Path)
	for _, path := range dashboards {
		var d struct {
			UID, Title string
			Panels     []struct {
				ID         int
				Title      string
				Datasource struct{ UID string }
				Targets    []struct{ Expr string }
			}
		}
		require.NoError(t, json.Unmarshal([]byte(read(t, "deploy/grafana/dashboards/"+filepath.Base(path))), &d))
		require.NotEmpty(t, d.UID)
		require.False(t, uids[d.UID], "two dashboards have the uid %s", d.UID)
		uids[d.UID] = true
		require.NotEmpty(t, d.Panels)
		ids := map[int]bool{}
		for _, panel := range d.Panels {
			require.Equal(t, sources.Datasources[0].UID, panel.Datasource.UID, panel.Title)
			require.NotEmpty(t, panel.Targets, panel.Title)
			require.False(t, ids[panel.ID], "%s has the id of another panel", panel.Title)
			ids[panel.ID] = true
			for _, target := range panel.Targets {
				requireKnownMetrics(t, own, target.Expr)
			}
		}
	}
}
