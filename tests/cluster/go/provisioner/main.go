// Command provisioner makes a directory for every claim of its storage class, and removes it with the claim.
//
// The volumes are of the "local" type, not "hostPath": the kubelet then honours fsGroup, and the volume says which node
// it is on. Written on client-go alone: everything it needs is two informers and three calls.
package main

import (
	"context"
	"flag"
	"fmt"
	"log"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	core "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/errors"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/tools/clientcmd"
)

const (
	name = "soloist.dev/directory"
	// Set by the scheduler on a claim that waits for its first consumer.
	selectedNode = "volume.kubernetes.io/selected-node"
	// Set by the controller manager on a claim whose class names this provisioner.
	claimedFor = "volume.kubernetes.io/storage-provisioner"
	// Without it the controller manager would try to delete the volume by itself, and mark it failed.
	provisionedBy = "pv.kubernetes.io/provisioned-by"
	// A failed call is tried again when the informers replay what they know.
	replay = 5 * time.Second
)

type provisioner struct {
	client kubernetes.Interface
	root   string
}

func main() {
	kubeconfig := flag.String("kubeconfig", "", "how to reach the API server")
	root := flag.String("root", "", "the folder that holds the volumes")
	flag.Parse()
	config, err := clientcmd.BuildConfigFromFlags("", *kubeconfig)
	if err != nil {
		log.Fatalf("reading the kubeconfig %s: %v", *kubeconfig, err)
	}
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		log.Fatalf("making a client from %s: %v", *kubeconfig, err)
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	p := provisioner{client: client, root: *root}
	factory := informers.NewSharedInformerFactory(client, replay)
	watch(factory.Core().V1().PersistentVolumeClaims().Informer(), func(o any) error { return p.provision(ctx, o) })
	watch(factory.Core().V1().PersistentVolumes().Informer(), func(o any) error { return p.reclaim(ctx, o) })
	factory.Start(ctx.Done())
	<-ctx.Done()
}

func watch(informer cache.SharedIndexInformer, settle func(any) error) {
	handle := func(object any) {
		if err := settle(object); err != nil {
			log.Print(err)
		}
	}
	_, err := informer.AddEventHandler(cache.ResourceEventHandlerFuncs{
		AddFunc:    handle,
		UpdateFunc: func(_, object any) { handle(object) },
	})
	if err != nil {
		log.Fatalf("watching: %v", err)
	}
}

func (p provisioner) provision(ctx context.Context, object any) error {
	claim := object.(*core.PersistentVolumeClaim)
	node := claim.Annotations[selectedNode]
	if claim.Annotations[claimedFor] != name || node == "" || claim.Spec.VolumeName != "" || claim.DeletionTimestamp != nil {
		return nil
	}
	volume := p.volume(claim, node)
	// Anyone may write: pods come as any user, and not all of them say a group.
	// The mode is set apart because the umask cuts what Mkdir is told.
	path := volume.Spec.Local.Path
	if err := os.MkdirAll(path, 0o777); err != nil {
		return fmt.Errorf("making the directory of claim %s/%s: %w", claim.Namespace, claim.Name, err)
	}
	if err := os.Chmod(path, 0o777); err != nil {
		return fmt.Errorf("opening the directory of claim %s/%s: %w", claim.Namespace, claim.Name, err)
	}
	_, err := p.client.CoreV1().PersistentVolumes().Create(ctx, volume, meta.CreateOptions{})
	if err != nil && !errors.IsAlreadyExists(err) {
		return fmt.Errorf("creating the volume of claim %s/%s: %w", claim.Namespace, claim.Name, err)
	}
	return nil
}

func (p provisioner) volume(claim *core.PersistentVolumeClaim, node string) *core.PersistentVolume {
	id := "pvc-" + string(claim.UID)
	class := ""
	if claim.Spec.StorageClassName != nil {
		class = *claim.Spec.StorageClassName
	}
	onNode := core.NodeSelectorRequirement{Key: core.LabelHostname, Operator: core.NodeSelectorOpIn, Values: []string{node}}
	return &core.PersistentVolume{
		ObjectMeta: meta.ObjectMeta{Name: id, Annotations: map[string]string{provisionedBy: name}},
		Spec: core.PersistentVolumeSpec{
			AccessModes:                   claim.Spec.AccessModes,
			Capacity:                      core.ResourceList{core.ResourceStorage: claim.Spec.Resources.Requests[core.ResourceStorage]},
			PersistentVolumeReclaimPolicy: core.PersistentVolumeReclaimDelete,
			StorageClassName:              class,
			ClaimRef: &core.ObjectReference{
				Kind: "PersistentVolumeClaim", APIVersion: "v1",
				Namespace: claim.Namespace, Name: claim.Name, UID: claim.UID,
			},
			PersistentVolumeSource: core.PersistentVolumeSource{Local: &core.LocalVolumeSource{Path: filepath.Join(p.root, id)}},
			NodeAffinity: &core.VolumeNodeAffinity{Required: &core.NodeSelector{NodeSelectorTerms: []core.NodeSelectorTerm{
				{MatchExpressions: []core.NodeSelectorRequirement{onNode}},
			}}},
		},
	}
}

func (p provisioner) reclaim(ctx context.Context, object any) error {
	volume := object.(*core.PersistentVolume)
	if volume.Annotations[provisionedBy] != name || volume.Status.Phase != core.VolumeReleased || volume.DeletionTimestamp != nil {
		return nil
	}
	// The path is made from the volume's name, never taken from the object: whoever may write volumes must not choose
	// what is removed here.
	if err := os.RemoveAll(filepath.Join(p.root, filepath.Base(volume.Name))); err != nil {
		return fmt.Errorf("removing the directory of volume %s: %w", volume.Name, err)
	}
	err := p.client.CoreV1().PersistentVolumes().Delete(ctx, volume.Name, meta.DeleteOptions{})
	if err != nil && !errors.IsNotFound(err) {
		return fmt.Errorf("deleting volume %s: %w", volume.Name, err)
	}
	return nil
}
