// Command metrics tells how much CPU and memory pods and nodes use: what `kubectl top` shows and autoscalers count.
//
// It is an aggregated API server for metrics.k8s.io, as metrics-server is, over the same page of the kubelet. Written on
// client-go alone: the real one brings another release of Kubernetes' libraries, which would be built a second time.
package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"flag"
	"log"
	"net/http"
	"os"
	"strings"
	"time"

	core "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/errors"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"
	api "k8s.io/metrics/pkg/apis/metrics/v1beta1"
)

const (
	every   = 10 * time.Second
	group   = "/apis/metrics.k8s.io"
	version = group + "/v1beta1"
	// Whom the API server says it is when it passes a request on.
	proxy = "front-proxy-client"
)

func main() {
	kubeconfig := flag.String("kubeconfig", "", "how to reach the API server")
	listen := flag.String("listen", "", "where to answer")
	pki := flag.String("pki", "", "the folder with ca.crt, metrics.crt and metrics.key")
	flag.Parse()
	config, err := clientcmd.BuildConfigFromFlags("", *kubeconfig)
	if err != nil {
		log.Fatalf("reading the kubeconfig %s: %v", *kubeconfig, err)
	}
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		log.Fatalf("making a client from %s: %v", *kubeconfig, err)
	}
	authority, err := os.ReadFile(*pki + "/ca.crt")
	if err != nil {
		log.Fatalf("reading the authority: %v", err)
	}
	known := x509.NewCertPool()
	known.AppendCertsFromPEM(authority)
	s := &server{client: client, usage: newUsage()}
	go s.watch(context.Background())
	door := http.Server{
		Addr:              *listen,
		Handler:           http.HandlerFunc(s.answer),
		ReadHeaderTimeout: 5 * time.Second,
		TLSConfig:         &tls.Config{ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: known, MinVersion: tls.VersionTLS12},
	}
	log.Fatal(door.ListenAndServeTLS(*pki+"/metrics.crt", *pki+"/metrics.key"))
}

type server struct {
	client kubernetes.Interface
	usage  *usage
}

// watch reads every kubelet's page again and again; a node that doesn't answer is left out until it does.
func (s *server) watch(ctx context.Context) {
	for ; ; time.Sleep(every) {
		nodes, err := s.client.CoreV1().Nodes().List(ctx, meta.ListOptions{})
		if err != nil {
			log.Printf("listing nodes: %v", err)
			continue
		}
		for _, node := range nodes.Items {
			page, err := s.client.CoreV1().RESTClient().Get().Resource("nodes").Name(node.Name).
				SubResource("proxy").Suffix("metrics/resource").DoRaw(ctx)
			if err != nil {
				log.Printf("reading the metrics of node %s: %v", node.Name, err)
				continue
			}
			s.usage.take(node.Name, string(page))
		}
	}
}

// answer knows five pages. Whoever asks was let in by the API server, which asks RBAC before it passes a request on.
func (s *server) answer(w http.ResponseWriter, r *http.Request) {
	if r.TLS.PeerCertificates[0].Subject.CommonName != proxy {
		http.Error(w, "only the API server may ask", http.StatusForbidden)
		return
	}
	where := strings.Split(strings.Trim(strings.TrimPrefix(r.URL.Path, version), "/"), "/")
	switch {
	case r.URL.Path == version:
		tell(w, resources(), nil)
	case !strings.HasPrefix(r.URL.Path, version+"/"):
		http.NotFound(w, r)
	case where[0] == "nodes":
		s.nodes(w, r, where[1:])
	case where[0] == "pods" && len(where) == 1:
		s.pods(w, r, "", "")
	case where[0] == "namespaces" && len(where) == 3 && where[2] == "pods":
		s.pods(w, r, where[1], "")
	case where[0] == "namespaces" && len(where) == 4 && where[2] == "pods":
		s.pods(w, r, where[1], where[3])
	default:
		http.NotFound(w, r)
	}
}

func (s *server) nodes(w http.ResponseWriter, r *http.Request, name []string) {
	list := api.NodeMetricsList{TypeMeta: kind("NodeMetricsList"), Items: []api.NodeMetrics{}}
	found, err := s.client.CoreV1().Nodes().List(r.Context(), chosen(r))
	if err != nil {
		tell(w, nil, err)
		return
	}
	for _, node := range found.Items {
		used, at, window, ok := s.usage.of(node.Name, "", "", "")
		if ok && (len(name) == 0 || name[0] == node.Name) {
			about := meta.ObjectMeta{Name: node.Name, Labels: node.Labels, CreationTimestamp: meta.Now()}
			list.Items = append(list.Items, api.NodeMetrics{TypeMeta: kind("NodeMetrics"), ObjectMeta: about, Timestamp: at, Window: window, Usage: used})
		}
	}
	if len(name) == 0 {
		tell(w, list, nil)
	} else if len(list.Items) == 1 {
		tell(w, list.Items[0], nil)
	} else {
		tell(w, nil, errors.NewNotFound(api.Resource("nodes"), name[0]))
	}
}

func (s *server) pods(w http.ResponseWriter, r *http.Request, namespace, name string) {
	list := api.PodMetricsList{TypeMeta: kind("PodMetricsList"), Items: []api.PodMetrics{}}
	found, err := s.client.CoreV1().Pods(namespace).List(r.Context(), chosen(r))
	if err != nil {
		tell(w, nil, err)
		return
	}
	for _, pod := range found.Items {
		if one := s.pod(&pod); one != nil && (name == "" || name == pod.Name) {
			list.Items = append(list.Items, *one)
		}
	}
	if name == "" {
		tell(w, list, nil)
	} else if len(list.Items) == 1 {
		tell(w, list.Items[0], nil)
	} else {
		tell(w, nil, errors.NewNotFound(api.Resource("pods"), name))
	}
}

// pod is nil until each of its containers was seen twice: half a pod's use would look like a pod with little to do.
func (s *server) pod(pod *core.Pod) *api.PodMetrics {
	about := meta.ObjectMeta{Name: pod.Name, Namespace: pod.Namespace, Labels: pod.Labels, CreationTimestamp: meta.Now()}
	told := api.PodMetrics{TypeMeta: kind("PodMetrics"), ObjectMeta: about}
	for _, container := range pod.Spec.Containers {
		used, at, window, ok := s.usage.of(pod.Spec.NodeName, pod.Namespace, pod.Name, container.Name)
		if !ok {
			return nil
		}
		told.Timestamp, told.Window = at, window
		told.Containers = append(told.Containers, api.ContainerMetrics{Name: container.Name, Usage: used})
	}
	return &told
}

func chosen(r *http.Request) meta.ListOptions {
	return meta.ListOptions{LabelSelector: r.URL.Query().Get("labelSelector")}
}

func kind(name string) meta.TypeMeta {
	return meta.TypeMeta{APIVersion: api.SchemeGroupVersion.String(), Kind: name}
}

func resources() meta.APIResourceList {
	verbs := meta.Verbs{"get", "list"}
	return meta.APIResourceList{
		TypeMeta:     meta.TypeMeta{APIVersion: "v1", Kind: "APIResourceList"},
		GroupVersion: api.SchemeGroupVersion.String(),
		APIResources: []meta.APIResource{
			{Name: "nodes", Kind: "NodeMetrics", Verbs: verbs},
			{Name: "pods", Kind: "PodMetrics", Namespaced: true, Verbs: verbs},
		},
	}
}

func tell(w http.ResponseWriter, what any, err error) {
	status := http.StatusOK
	if err != nil {
		problem := errors.NewInternalError(err).Status()
		if known, ok := err.(errors.APIStatus); ok {
			problem = known.Status()
		}
		problem.TypeMeta = meta.TypeMeta{APIVersion: "v1", Kind: "Status"}
		what, status = problem, int(problem.Code)
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	if err := json.NewEncoder(w).Encode(what); err != nil {
		log.Printf("answering: %v", err)
	}
}
